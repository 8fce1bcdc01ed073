import { isTransient } from 'lovage';

/** Anki is locked while a person has it open elsewhere, and a sync that took too long goes on: both pass. */
const PASSING = new Set(['AnkiLocked', 'MediaSyncTimeout']);

export const mayPass = (error: unknown): boolean =>
  (error instanceof Error && 'code' in error && PASSING.has(String(error.code))) || isTransient(error);
