import type { Account } from './find-account.ts';

const passedOn = ['PATH', 'TZ', 'SystemRoot', 'TEMP', 'TMP'];

/**
 * Only what Postgres needs: variables like PGDATA would bend it, and secrets do not belong in a
 * process that outlives us. The folder is one it can enter: older versions ask for theirs first.
 */
export function serverProcess(binaries: string, account: Account | undefined) {
  const env: NodeJS.ProcessEnv = { LC_ALL: 'C' };
  for (const name of passedOn) if (process.env[name] !== undefined) env[name] = process.env[name];
  return { cwd: binaries, env, uid: account?.uid, gid: account?.gid, windowsHide: true };
}
