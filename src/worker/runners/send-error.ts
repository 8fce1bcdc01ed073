import { Discard, RetryIn, Snooze, WaitingForChildren } from '../../errors.ts';
import { codeOf, textOf } from '../attempt/describe-error.ts';
import { Hopeless } from '../attempt/retry-policy.ts';
import { WriteFailed } from '../settle/settle-alone.ts';

const MAX_TEXT = 10_000;
const MAX_CAUSES = 5;

/** An error on its way between processes: what is kept of it survives, with its causes and what it asks for. */
export type SentError = { thrown: string } | SentInstance;

interface SentInstance {
  kind: 'discard' | 'retry' | 'snooze' | 'write' | 'wait' | 'hopeless' | 'other';
  name: string;
  message: string;
  stack: string;
  code?: string;
  delayMs?: number;
  children?: readonly string[];
  cause?: SentError;
}

export function packError(error: unknown, depth = 0): SentError {
  if (!(error instanceof Error)) return { thrown: text(() => error) };
  const code = codeOf(error);
  // It only says something of the error that it holds.
  const deeper = error instanceof Hopeless ? depth : depth + 1;
  return {
    ...kindOf(error),
    name: text(() => error.name),
    message: text(() => error.message),
    stack: text(() => error.stack),
    ...(code === undefined ? {} : { code }),
    ...(error.cause === undefined || depth >= MAX_CAUSES ? {} : { cause: packError(error.cause, deeper) }),
  };
}

function kindOf(error: Error): Pick<SentInstance, 'kind' | 'delayMs' | 'children'> {
  if (error instanceof Discard) return { kind: 'discard' };
  if (error instanceof RetryIn) return { kind: 'retry', delayMs: error.delayMs };
  if (error instanceof Snooze) return { kind: 'snooze', delayMs: error.delayMs };
  if (error instanceof WaitingForChildren) return { kind: 'wait', children: error.children };
  if (error instanceof Hopeless) return { kind: 'hopeless' };
  return { kind: error instanceof WriteFailed ? 'write' : 'other' };
}

const text = (read: () => unknown): string => textOf(read).slice(0, MAX_TEXT);

/** What was thrown over there; one of our own errors has its class again. */
export function unpackError(sent: SentError): unknown {
  if ('thrown' in sent) return sent.thrown;
  const { name, stack, code } = sent;
  // Own properties shadow what the class says, for subclasses of it that are the handler's own.
  return Object.defineProperties(remake(sent), {
    name: { value: name, configurable: true },
    stack: { value: stack, configurable: true, writable: true },
    ...(code === undefined ? {} : { code: { value: code, configurable: true } }),
  });
}

function remake({ kind, message, delayMs = 0, children = [], cause: sent }: SentInstance): Error {
  const options = sent === undefined ? {} : { cause: unpackError(sent) };
  if (kind === 'discard') return new Discard(message, options);
  if (kind === 'retry') return new RetryIn(delayMs, { message, ...options });
  if (kind === 'snooze') return new Snooze(delayMs, { message, ...options });
  if (kind === 'wait') return new WaitingForChildren(children, message);
  if (kind === 'hopeless') return new Hopeless(options.cause);
  if (kind === 'write') return new WriteFailed(message, options);
  return new Error(message, options);
}
