import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc';
import { ERROR_CODES, type LovageError } from '../../errors.ts';
import { problemUri } from '../problem.ts';

/** An error as tRPC clients read it, with the problem that REST would show inside. */
export function toErrorShape({ code, message, faults }: LovageError, path?: string) {
  const { status, trpc } = ERROR_CODES[code];
  return {
    code: TRPC_ERROR_CODES_BY_KEY[trpc],
    message,
    data: {
      code: trpc,
      httpStatus: status,
      ...(path !== undefined && { path }),
      problem: { type: problemUri(code), code, faults },
    },
  };
}
