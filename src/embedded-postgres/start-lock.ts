import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { codeOf, EmbeddedPostgresError } from './error.ts';

const sqliteBusy = 5;

/**
 * One starter or stopper at a time. An empty SQLite file, because its lock is the kernel's: it goes
 * with its process however that ends, and no recycled pid can be taken for the owner.
 */
export async function withStartLock<T>(
  dataDir: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const path = join(dataDir, 'postgres.lock');
  const file = open(path);
  try {
    while (!tryLock(file, path)) await pause(15, undefined, { signal });
    return await work();
  } finally {
    file.close();
  }
}

function open(path: string): DatabaseSync {
  try {
    makePrivate(path);
    return new DatabaseSync(path);
  } catch (cause) {
    throw unusable(path, cause);
  }
}

/** Only when it is new: to close a file drops every lock that this process has on it. */
function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

function tryLock(file: DatabaseSync, path: string): boolean {
  try {
    file.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy) return false;
    throw unusable(path, error);
  }
}

function unusable(path: string, cause: unknown): EmbeddedPostgresError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new EmbeddedPostgresError('folder_unusable', `cannot lock ${path}: ${reason}`, { cause });
}
