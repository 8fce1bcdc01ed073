import { TRPCError } from '@trpc/server';
import { z } from 'zod';
import {
  isDiskFull,
  isPostgresAway,
  isTableMissing,
  isUnstorableText,
  mayHaveHappened,
} from '../db/failures.ts';
import { describeLackingRight } from '../db/lacking-right.ts';
import { type ErrorCode, LovageError } from '../errors.ts';
import { faultsOf } from '../json/faults.ts';

const RETRY_AFTER_SECONDS = 2;
const DISK_FULL_SECONDS = 30;

/** Turns whatever was thrown into the one error type; what nobody foresaw becomes `internal`, its cause kept. */
export function toLovageError(error: unknown): LovageError {
  for (let link = error; link instanceof Error; link = link.cause) {
    if (link instanceof LovageError) return link;
  }
  if (isPostgresAway(error)) {
    const message = mayHaveHappened(error)
      ? 'Postgres did not answer; the request may have been carried out: look before it is sent again'
      : 'Postgres cannot be reached at the moment; the same request can be sent again';
    return new LovageError('queue-unavailable', message, { retryAfter: RETRY_AFTER_SECONDS, cause: error });
  }
  if (isDiskFull(error)) {
    const message =
      'Postgres has no room left on its disk: nothing was written; the same request can be sent again';
    return new LovageError('queue-unavailable', message, { retryAfter: DISK_FULL_SECONDS, cause: error });
  }
  const lacking = describeLackingRight(error);
  if (lacking !== undefined)
    return new LovageError('not-configured', `the database refuses: ${lacking}`, { cause: error });
  if (isTableMissing(error)) {
    const message = 'a table is missing in Postgres; `lovage migrate` brings back that of a queue';
    return new LovageError('queue-unavailable', message, { retryAfter: RETRY_AFTER_SECONDS, cause: error });
  }
  if (isUnstorableText(error)) {
    const message = 'The request holds NUL or half a surrogate pair, which cannot be stored';
    return new LovageError('validation', message, { cause: error });
  }
  if (error instanceof TRPCError) return fromTrpc(error);
  return new LovageError('internal', 'Internal error', { cause: error });
}

function fromTrpc(error: TRPCError): LovageError {
  if (error.cause instanceof z.core.$ZodError) {
    return new LovageError('validation', 'The request does not fit its schema', {
      faults: faultsOf(error.cause),
    });
  }
  if (error.cause instanceof SyntaxError)
    return new LovageError('malformed-json', 'The input is not JSON', { cause: error });
  const code = TRPC_FAULTS[error.code];
  if (code === undefined) return new LovageError('internal', 'Internal error', { cause: error });
  return new LovageError(code, error.message, { cause: error });
}

/** What tRPC itself refuses, before a procedure of ours runs. */
const TRPC_FAULTS: Partial<Record<TRPCError['code'], ErrorCode>> = {
  NOT_FOUND: 'not-found',
  PARSE_ERROR: 'malformed-json',
  UNSUPPORTED_MEDIA_TYPE: 'malformed-json',
  METHOD_NOT_SUPPORTED: 'method-not-allowed',
  PAYLOAD_TOO_LARGE: 'payload-too-large',
  BAD_REQUEST: 'validation',
};
