import type { DialectError, DialectReply } from 'lovage';

/** Errors as FastAPI words them; only the rate limiter says `error`. */
export function renderError({ status, code, message, faults }: DialectError): DialectReply {
  if (code === 'validation') return { status, body: { detail: faults.map(asValidationError) } };
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

/** Pointers name a place in the body, bare names a query parameter. */
function asValidationError({ pointer, detail: msg }: { pointer: string; detail: string }) {
  const isBody = pointer === '' || pointer.startsWith('/');
  const loc = isBody ? ['body', ...pointer.split('/').slice(1).map(asPlace)] : ['query', pointer];
  return { loc, msg, type: 'value_error' };
}

/** Places in a list are numbers, as in Python. */
const asPlace = (part: string): string | number => (/^\d+$/.test(part) ? Number(part) : part);
