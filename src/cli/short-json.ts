import { printable } from './printable.ts';

const MAX_JSON = 2_000;

/** A value on one line, as far as people read; null for none. */
export function shortJson(value: unknown): string | null {
  if (value === undefined) return null;
  const text = printable(JSON.stringify(value));
  return text.length <= MAX_JSON
    ? text
    : `${text.slice(0, MAX_JSON)}… (--json shows all ${text.length} characters)`;
}
