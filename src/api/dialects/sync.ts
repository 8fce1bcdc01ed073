import type { SubmitRoute } from '../../dialect.ts';
import { LovageError } from '../../errors.ts';

// What FastAPI and Flask read as booleans; Python clients send `str(False)`.
const TRUE = new Set(['true', '1', 'yes', 'on']);
const FALSE = new Set(['false', '0', 'no', 'off']);

/** Tells from the query whether to wait for the outcome. */
export function createSyncSwitch(sync: SubmitRoute['sync']): (query: Record<string, string>) => boolean {
  if (sync === undefined || sync === 'always') return () => sync === 'always';
  const { parameter, value, byDefault = false, defaultVariable } = sync;
  const isDefault =
    defaultVariable === undefined ? byDefault : process.env[defaultVariable] === '1' || byDefault;
  return (query) => {
    const given = query[parameter];
    if (given === undefined) return isDefault;
    const word = given.toLowerCase();
    if (!TRUE.has(word) && !FALSE.has(word)) {
      const faults = [{ pointer: parameter, detail: 'must be true or false' }];
      throw new LovageError('validation', `${parameter} must be true or false`, { faults });
    }
    return TRUE.has(word) === (value === 'true');
  };
}
