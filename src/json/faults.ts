import type { z } from 'zod';
import type { Fault } from '../errors.ts';
import { toPointer } from './pointer.ts';

/** An answer that lists 200,000 faults helps nobody. */
const MAX_FAULTS = 100;

/** The faults of a zod error, each with a JSON Pointer. */
export function faultsOf(error: z.core.$ZodError): Fault[] {
  return error.issues.slice(0, MAX_FAULTS).flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys')
      return [{ pointer: toPointer(issue.path), detail: issue.message }];
    return issue.keys.slice(0, MAX_FAULTS).map((key) => ({
      pointer: toPointer([...issue.path, key]),
      detail: 'is not known here',
    }));
  });
}
