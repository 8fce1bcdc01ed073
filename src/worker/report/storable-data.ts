import { findUnstorable, suspect } from '../../json/unstorable.ts';
import { clean } from '../attempt/describe-error.ts';

/** The escapes of NUL and lone surrogates in what JSON.stringify writes, in names as in texts. */
const UNSTORABLE = /(?<=(?<!\\)(?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** JSON that jsonb takes, or a note that it was none. */
export function storableData(data: Record<string, unknown>): Record<string, unknown> {
  try {
    const json = JSON.stringify(data);
    const kept = JSON.parse(json.replace(UNSTORABLE, '\uFFFD'), (_key, value) =>
      typeof value === 'string' ? clean(value, 4_000) : value,
    );
    return findUnstorable(kept, suspect(json)).length === 0 ? kept : { note: 'the data nests too deep' };
  } catch {
    return { note: 'the data is no JSON' };
  }
}
