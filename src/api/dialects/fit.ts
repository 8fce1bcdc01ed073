import type { z } from 'zod';
import { LovageError } from '../../errors.ts';
import { faultsOf } from '../../json/faults.ts';
import { findUnstorable } from '../../json/unstorable.ts';
import type { JsonBody } from '../body.ts';
import { LINK_PARAMETER } from './link.ts';

/** A body as a route's schema parses it. @throws validation, each fault with a JSON Pointer. */
export async function fitBody(schema: z.ZodType, { value, suspicion }: JsonBody): Promise<unknown> {
  const unstorable = findUnstorable(value, suspicion);
  if (unstorable.length > 0)
    throw new LovageError('validation', 'The body holds what cannot be stored', { faults: unstorable });
  const parsed = await schema.safeParseAsync(value);
  if (parsed.success) return parsed.data;
  throw new LovageError('validation', 'The body does not fit', { faults: faultsOf(parsed.error) });
}

/** The query as a route's schema parses it: what comes several times is a list. @throws validation, by parameter. */
export async function fitQuery(schema: z.ZodType, search: URLSearchParams): Promise<Record<string, unknown>> {
  const names = new Set([...search.keys()].filter((name) => name !== LINK_PARAMETER));
  const given = [...names].map((name): [string, unknown] => {
    const values = search.getAll(name);
    return [name, values.length > 1 ? values : values[0]];
  });
  refuseNul(given);
  const parsed = await schema.safeParseAsync(Object.fromEntries(given));
  if (parsed.success) return parsed.data as Record<string, unknown>;
  const faults = faultsOf(parsed.error).map(({ pointer, detail }) => ({
    // A fault of a parameter points at its name; `/ids/0` is the first of several.
    pointer: pointer.split('/')[1] ?? pointer,
    detail,
  }));
  throw new LovageError('validation', 'A parameter does not fit', { faults });
}

function refuseNul(given: readonly [string, unknown][]): void {
  const faults = given
    .filter((entry) => entry.flat().some((text) => String(text).includes('\0')))
    .map(([name]) => ({ pointer: name.replaceAll('\0', ''), detail: 'holds NUL' }));
  if (faults.length > 0) throw new LovageError('validation', 'A parameter holds NUL', { faults });
}
