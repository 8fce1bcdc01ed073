import { checkEnvironment } from '../check-environment.ts';
import type { Config } from '../config.ts';
import { loadConfig } from '../load-config.ts';
import { createLog, type Log } from '../log.ts';
import { migrateFor } from '../open.ts';
import { warnOfIgnored } from '../old-variables.ts';
import { readSettings, type Settings } from '../settings.ts';
import { openDatabase, type Database } from './database.ts';
import { readSecret } from './kept-secrets.ts';

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
  /** Before the database is opened. */
  prepare?: (config: Config, log: Log) => Promise<void>;
}

/** Reads the environment and the configuration, opens the database, migrates it, and lets go of it at the end. */
export async function withSession(
  work: (session: Session) => Promise<number>,
  options: SessionOptions = {},
): Promise<number> {
  const settings = readSettings();
  const config = await loadConfig(settings.configFile);
  const log = createLog({ level: settings.logLevel ?? options.logLevel ?? 'info' });
  await options.prepare?.(config, log);
  const database = await openDatabase(settings);
  try {
    // Its lock is a session's, which a pooler in transaction mode would leave behind.
    if (options.migrates !== false)
      await migrateFor(config, database.directUrl ?? database.url, settings.keeping);
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
  const prepare = (config: Config, log: Log): Promise<void> => {
    warnOfIgnored(process.env, log);
    return checkEnvironment(config);
  };
  return withSession(work, { ...options, prepare });
}
