import type { DialectError, DialectReply } from 'lovage';
import { listFaults } from '../../services/fastapi-faults.ts';

/** Errors as FastAPI words them; only the rate limiter says `error`. */
export function renderError({ status, code, message, faults }: DialectError): DialectReply {
  if (code === 'validation') return { status, body: { detail: listFaults(faults) } };
  if (code === 'rate-limited') return { status, body: { error: `Rate limit exceeded: ${message}` } };
  if (code === 'queue-unavailable')
    return { status, body: { detail: 'Task queue service unavailable, try again later' } };
  return detail(status, message);
}

export const detail = (status: number, message: string): DialectReply => ({
  status,
  body: { detail: message },
});

export const invalid = (place: 'body' | 'path' | 'query', name: string, msg: string): DialectReply => ({
  status: 422,
  body: { detail: [{ loc: [place, name], msg, type: 'value_error' }] },
});
