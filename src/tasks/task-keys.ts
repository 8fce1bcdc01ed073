import { LovageError } from '../errors.ts';
import { digestJson } from '../json/canonical.ts';
import type { NewTask } from '../queue/send.ts';
import type { AnyTask } from '../task.ts';

const MAX_KEY = 200;

/** @throws validation where the definition's function throws or returns no key. */
export const concurrencyKeyOf = ({ name, concurrencyKey }: AnyTask, input: unknown): string | null =>
  concurrencyKey ? tellKey(() => concurrencyKey(input), { name, what: 'concurrencyKey' }) : null;

/** `sent` is the input in its wire form, `input` as the schema parsed it. @throws validation as above. */
export function dedupeOf({ name, dedupe }: AnyTask, input: unknown, sent: unknown): NewTask['dedupe'] {
  if (!dedupe) return undefined;
  const { key: keyOf, withinMs } = dedupe;
  const key = keyOf ? tellKey(() => keyOf(input), { name, what: 'dedupe.key' }) : digestJson(sent ?? null);
  return key === null ? undefined : { key, withinMs };
}

function tellKey(ask: () => unknown, { name, what }: { name: string; what: string }): string | null {
  let key: unknown;
  try {
    key = ask();
  } catch (error) {
    throw badKey(name, `${what} threw: ${describeThrown(error)}`, error);
  }
  if (key === null || key === undefined) return null;
  if (typeof key === 'string' && key.length > 0 && key.length <= MAX_KEY && isStorableText(key)) return key;
  throw badKey(
    name,
    `${what} must return null or a text of 1 to ${MAX_KEY} characters that Postgres can store`,
  );
}

const badKey = (name: string, detail: string, cause?: unknown): LovageError =>
  new LovageError('validation', `a key of "${name}" cannot be told`, {
    faults: [{ pointer: '', detail }],
    cause,
  });

const describeThrown = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).slice(0, 500);
const isStorableText = (text: string): boolean => text.isWellFormed() && !text.includes('\0');
