import type { z } from 'zod';
import type { Fault } from '../errors.ts';
import { toPointer } from './pointer.ts';

/** The faults of a zod error, each with a JSON Pointer. */
export function faultsOf(error: z.core.$ZodError): Fault[] {
  return error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys')
      return [{ pointer: toPointer(issue.path), detail: issue.message }];
    return issue.keys.map((key) => ({
      pointer: toPointer([...issue.path, key]),
      detail: 'is not known here',
    }));
  });
}
