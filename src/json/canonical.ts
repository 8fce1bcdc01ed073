import { createHash } from 'node:crypto';

/** SHA-256 of a value as JSON, in hex: the same for equal values, in whatever order their members come. */
export function digestJson(value: unknown): string {
  return createHash('sha256').update(toCanonicalJson(value)).digest('hex');
}

/** JSON with the members of every object in one order; what JSON leaves out is left out. */
function toCanonicalJson(value: unknown): string {
  return JSON.stringify(value, sortMembers) ?? 'null';
}

function sortMembers(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
