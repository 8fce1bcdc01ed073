import { codeOf, EmbeddedPostgresError } from './error.ts';
import { logPath, readLog } from './read-log.ts';

const folderCodes = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'ENOTDIR', 'EEXIST'];

/** Gives a failure of the system our name, so that its one line says what to look at. */
export async function explainFailure(
  cause: unknown,
  { dataDir, limit, limitMs }: { dataDir: string; limit: AbortSignal; limitMs: number },
): Promise<unknown> {
  if (cause instanceof EmbeddedPostgresError) return cause;
  if (limit.aborted) {
    const said = await readLog(dataDir, 0).catch(() => '');
    const message = `Postgres did not answer within ${limitMs / 1000} s (log: ${logPath(dataDir)}): ${said}`;
    return new EmbeddedPostgresError('start_timeout', message, { cause });
  }
  if (cause instanceof Error && folderCodes.includes(codeOf(cause) ?? '')) {
    const message = `cannot keep a database in ${dataDir}: ${cause.message}`;
    return new EmbeddedPostgresError('folder_unusable', message, { cause });
  }
  return cause;
}
