import type { Config } from '../config.ts';
import { createLog, type Log } from '../log.ts';
import { migrateFor } from '../open.ts';
import { warnOfIgnored } from '../settings/old-variables.ts';
import type { Settings } from '../settings/settings.ts';
import { openDatabase, type Database } from './database.ts';
import { readSecret } from './kept-secrets.ts';
import { readSetup } from './read-setup.ts';
import { warnOfMisspelt } from './warn-of-misspelt.ts';

/** What every command that touches the database begins with. */
export interface Session {
  settings: Settings;
  config: Config;
  log: Log;
  database: Database;
  /** `LOVAGE_SECRET`, or the data folder's own. */
  secret: string | undefined;
}

interface SessionOptions {
  logLevel?: string;
  migrates?: boolean;
  /** False: whoever looks from a machine of his own does not change what the workers go by. */
  changes?: boolean;
  /** Packs run in it: the environment has to be as they want it. */
  isLasting?: boolean;
}

/** Reads the environment and the configuration, opens the database, migrates it, and lets go of it at the end. */
export async function withSession(
  work: (session: Session) => Promise<number>,
  options: SessionOptions = {},
): Promise<number> {
  const { settings, config } = await readSetup({ forPacks: options.isLasting === true });
  const log = createLog({ level: settings.logLevel ?? options.logLevel ?? 'info' });
  if (options.isLasting) {
    warnOfIgnored(process.env, log);
    warnOfMisspelt(process.env, config, log);
  }
  const database = await openDatabase(settings, { makes: options.isLasting === true });
  try {
    // Its lock is a session's, which a pooler in transaction mode would leave behind.
    if (options.migrates !== false)
      await migrateFor(config, database.directUrl ?? database.url, {
        keeping: settings.keeping,
        changes: options.changes,
      });
    const secret = await readSecret(settings, database.isEmbedded);
    return await work({ settings, config, log, database, secret });
  } finally {
    await database.release();
  }
}

/** One that serves or works, so that packs run in it: the environment has to be as they want it. @throws SetupError */
export function withLastingSession(
  work: (session: Session) => Promise<number>,
  options: SessionOptions = {},
): Promise<number> {
  return withSession(work, { ...options, isLasting: true });
}
