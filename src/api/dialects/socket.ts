import type { DialectReply, SocketRoute } from '../../dialect.ts';
import { LovageError } from '../../errors.ts';

/** What a plain GET of a path gets that speaks WebSocket. */
export const answerSocket =
  ({ path }: SocketRoute) =>
  async (): Promise<DialectReply> => {
    throw new LovageError('not-found', `${path} speaks WebSocket: ask for an upgrade`);
  };
