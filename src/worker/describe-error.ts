import type { TaskFault } from '../queue/settle.ts';

const MAX_MESSAGE = 4_000;
const MAX_STACK = 8_000;
const MAX_CAUSES = 5;

/** An error as the history keeps it: size-capped, with its causes. The stack stays in the tables, for operators. */
export function describeError(error: unknown, depth = 0): TaskFault {
  if (!(error instanceof Error)) return { code: 'handler_error', message: clean(error, MAX_MESSAGE) };
  const { code } = error as { code?: unknown };
  return {
    code: typeof code === 'string' || typeof code === 'number' ? clean(String(code), 100) : 'handler_error',
    type: clean(error.name, 100),
    message: clean(error.message, MAX_MESSAGE),
    ...(error.stack === undefined ? {} : { stack: clean(error.stack, MAX_STACK) }),
    ...(error.cause === undefined || depth >= MAX_CAUSES
      ? {}
      : { cause: describeError(error.cause, depth + 1) }),
  };
}

/** Postgres stores neither NUL nor lone surrogates in text. */
export function clean(text: unknown, max: number): string {
  return textOf(text).slice(0, max).toWellFormed().replaceAll('\0', '\uFFFD');
}

/** Handlers throw anything, also what has no text. */
export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
