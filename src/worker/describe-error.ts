import type { TaskFault } from '../queue/settle.ts';
import { redactSecrets } from '../redact.ts';

const MAX_CODE = 100;
const MAX_MESSAGE = 4_000;
const MAX_STACK = 8_000;
const MAX_CAUSES = 5;

/**
 * An error as the history keeps it: size-capped, without the secrets that can be told by their looks, with its causes. The
 * stack stays in the tables, for operators.
 */
export function describeError(error: unknown, depth = 0): TaskFault {
  if (!(error instanceof Error)) return { code: 'handler_error', message: shown(() => error, MAX_MESSAGE) };
  const { code } = error as { code?: unknown };
  return {
    code:
      typeof code === 'string' || typeof code === 'number' ? clean(String(code), MAX_CODE) : 'handler_error',
    type: shown(() => error.name, MAX_CODE),
    message: shown(() => error.message, MAX_MESSAGE),
    stack: shown(() => error.stack, MAX_STACK),
    ...(error.cause === undefined || depth >= MAX_CAUSES
      ? {}
      : { cause: describeError(error.cause, depth + 1) }),
  };
}

const shown = (read: () => unknown, max: number): string =>
  clean(redactSecrets(textOf(read).slice(0, max)), max);

/** Postgres stores neither NUL nor lone surrogates in text. */
export function clean(text: string, max: number): string {
  return text.slice(0, max).toWellFormed().replaceAll('\0', '\uFFFD');
}

/** Handlers throw anything: also what has no text, and errors whose very stack throws when it is read. */
export function textOf(read: () => unknown): string {
  try {
    return String(read());
  } catch {
    return '[cannot be shown]';
  }
}
