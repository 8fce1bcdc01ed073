import { Discard } from '../../errors.ts';
import { textOf } from '../describe-error.ts';
import type { SentError } from './messages.ts';

export function packError(error: unknown, depth = 0): SentError {
  if (!(error instanceof Error)) return { name: 'Error', message: textOf(() => error), isDiscard: false };
  const { code } = error as { code?: unknown };
  return {
    name: textOf(() => error.name),
    message: textOf(() => error.message),
    isDiscard: error instanceof Discard,
    stack: textOf(() => error.stack),
    ...(typeof code === 'string' || typeof code === 'number' ? { code: String(code) } : {}),
    ...(error.cause === undefined || depth > 5 ? {} : { cause: packError(error.cause, depth + 1) }),
  };
}

export function unpackError(sent: SentError): Error {
  const options = sent.cause === undefined ? {} : { cause: unpackError(sent.cause) };
  const error = sent.isDiscard
    ? new Discard(sent.message, { ...options, ...(sent.code === undefined ? {} : { code: sent.code }) })
    : Object.assign(new Error(sent.message, options), sent.code === undefined ? {} : { code: sent.code });
  // Shadows Discard's own name where the handler threw a subclass of it.
  Object.defineProperty(error, 'name', { value: sent.name, configurable: true });
  if (sent.stack !== undefined) error.stack = sent.stack;
  return error;
}
