import { SetupError } from '../errors.ts';
import { EmbeddedPostgresError } from '../embedded-postgres/index.ts';
import { isPostgresAway } from '../db/failures.ts';
import { archive } from './commands/archive.ts';
import { describeLackingRight } from '../db/lacking-right.ts';
import { cancel } from './commands/cancel.ts';
import { doctor } from './commands/doctor.ts';
import { dev } from './commands/dev.ts';
import { enqueue } from './commands/enqueue.ts';
import { explain } from './commands/explain.ts';
import { grants } from './commands/grants.ts';
import { keys } from './commands/keys.ts';
import { migrate } from './commands/migrate.ts';
import { pause } from './commands/pause.ts';
import { psql } from './commands/psql.ts';
import { queues } from './commands/queues.ts';
import { resume } from './commands/resume.ts';
import { retry } from './commands/retry.ts';
import { schedules } from './commands/schedules.ts';
import { serve } from './commands/serve.ts';
import { worker } from './commands/worker.ts';
import { UsageError, type Command } from './command.ts';
import { printHelp } from './help.ts';
import { version } from './version.ts';

const COMMANDS: readonly Command[] = [
  dev,
  serve,
  worker,
  migrate,
  enqueue,
  explain,
  retry,
  cancel,
  queues,
  pause,
  resume,
  schedules,
  archive,
  keys,
  grants,
  doctor,
  psql,
];

/** Who one is, the database, the certificate; pg gives a missing TLS no code. */
const REFUSALS = /^28000$|^28P01$|^3D000$|^42704$|CERT|LEAF_SIGNATURE|^The server does not support SSL/;

/** Exit codes: 0 done, 1 the set-up or the work failed, 2 the command line is wrong. */
export async function main(args: readonly string[]): Promise<void> {
  const [name, ...rest] = args;
  if (name === '--version' || name === '-v') return console.log(version());
  const command = COMMANDS.find((each) => each.name === name);
  if (!command || rest.includes('--help') || (rest.includes('-h') && name !== 'psql')) {
    printHelp(COMMANDS, command);
    const isAsked = command || name === undefined || ['help', '--help', '-h'].includes(name);
    if (!isAsked) console.error(`\nlovage: there is no command "${name}"`);
    process.exitCode = isAsked ? 0 : 2;
    return;
  }
  try {
    process.exitCode = await command.run(rest);
  } catch (error) {
    console.error(`lovage: ${describe(error)}`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
  // What is still open belongs to nobody: a pool's idle socket must not keep a finished command alive.
  process.exit();
}

function describe(error: unknown): string {
  if (error instanceof SetupError || error instanceof UsageError || error instanceof EmbeddedPostgresError) {
    return error.message;
  }
  if (isPostgresAway(error)) return `Postgres cannot be reached: ${deepest(error)}`;
  const lacking = describeLackingRight(error, roleOf(process.env['DATABASE_URL']));
  if (lacking !== undefined) return `Postgres refuses: ${lacking}`;
  const { code, message, stack } = error as Error & { code?: string };
  if (REFUSALS.test(code ?? message)) return `Postgres refused the connection: ${message}`;
  return stack ?? String(error);
}

/** Whoever logs in there. */
const roleOf = (url: string | undefined): string | undefined =>
  url && URL.canParse(url) ? decodeURIComponent(new URL(url).username) || undefined : undefined;

function deepest(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return deepest(error.errors[0]);
  return error instanceof Error ? (error.cause ? deepest(error.cause) : error.message) : String(error);
}
