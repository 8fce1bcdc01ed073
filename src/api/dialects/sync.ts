import type { SubmitRoute } from '../../dialect.ts';
import { LovageError } from '../../errors.ts';

// What FastAPI and Flask read as booleans; Python clients send `str(False)`.
const WORDS: Record<string, boolean> = {
  true: true,
  '1': true,
  yes: true,
  on: true,
  false: false,
  '0': false,
  no: false,
  off: false,
};

/** Tells from the query whether to wait for the outcome. */
export function createSyncSwitch(sync: SubmitRoute['sync']): (query: Record<string, string>) => boolean {
  if (sync === undefined || sync === 'always') return () => sync === 'always';
  const { parameter, value, byDefault = false, defaultVariable } = sync;
  const isDefault =
    defaultVariable === undefined ? byDefault : process.env[defaultVariable] === '1' || byDefault;
  return (query) => {
    const given = query[parameter];
    if (given === undefined) return isDefault;
    const word = WORDS[given.toLowerCase()];
    if (word === undefined) {
      const faults = [{ pointer: parameter, detail: 'must be true or false' }];
      throw new LovageError('validation', `${parameter} must be true or false`, { faults });
    }
    return word === (value === 'true');
  };
}
