import type { TaskFault } from '../../queue/settle.ts';
import { redactSecrets } from '../../redact.ts';

const MAX_CODE = 100;
const MAX_MESSAGE = 4_000;
const MAX_STACK = 8_000;
const MAX_CAUSES = 5;
const NO_CODE = 'handler_error';

/**
 * An error as the history keeps it: size-capped, without the secrets that can be told by their looks, with its causes. The
 * stack stays in the tables, for operators.
 */
export function describeError(error: unknown, depth = 0): TaskFault {
  if (!(error instanceof Error)) return { code: NO_CODE, message: shown(() => error, MAX_MESSAGE) };
  return {
    code: clean(codeOf(error) ?? nameOf(error) ?? NO_CODE, MAX_CODE),
    type: shown(() => error.name, MAX_CODE),
    message: shown(() => error.message, MAX_MESSAGE),
    stack: shown(() => error.stack, MAX_STACK),
    ...(error.cause === undefined || depth >= MAX_CAUSES
      ? {}
      : { cause: describeError(error.cause, depth + 1) }),
  };
}

/** What the error says of itself; the number that a DOMException has beside its name says nothing. */
export function codeOf(error: Error): string | undefined {
  const { code } = error as { code?: unknown };
  if (error instanceof DOMException || (typeof code !== 'string' && typeof code !== 'number'))
    return undefined;
  return String(code) || undefined;
}

/** The name of an error of some kind is as good a code as any. */
function nameOf(error: Error): string | undefined {
  const name = textOf(() => error.name);
  return name !== 'Error' && /^[A-Za-z]\w*$/.test(name) ? name : undefined;
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
