import pg from 'pg';
import { LovageError } from '../errors.ts';

/** Raised in SQL where a task cannot be made or run again, since another one has its dedupe key. */
const HELD_KEY = 'LV002';

/** The refusal in words for the caller; any other error as it is. */
export function explainHeldKey(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError && error.code === HELD_KEY)) return error;
  return new LovageError('conflict', error.message, { cause: error });
}
