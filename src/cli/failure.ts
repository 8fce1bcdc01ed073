import { TRPCClientError } from '@trpc/client';
import { toClientError, LovageClientError } from '../client/errors.ts';
import { EmbeddedPostgresError } from '../embedded-postgres/index.ts';
import { isPostgresAway } from '../db/failures.ts';
import { describeLackingRight } from '../db/lacking-right.ts';
import { LovageError, SetupError } from '../errors.ts';
import { UsageError } from './command.ts';
import { version } from './version.ts';

/** What scripts tell apart. */
export const EXIT = { done: 0, failed: 1, usage: 2, notThere: 3, refused: 4 } as const;

/** What could not be done, in a line or two for people, and the exit code for scripts. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options: { cause?: unknown } = {}) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** What a call of the API or of a verb was refused for; anything else as it is. */
export function toFailure(error: unknown, url: string | undefined): unknown {
  if (url !== undefined && isForeign(error)) return foreign(error, url);
  const known = error instanceof LovageError ? error : toClientError(error);
  if (!(known instanceof LovageError) && !(known instanceof LovageClientError)) return error;
  const { code, message, faults } = known;
  if (code === 'unreachable') {
    const why = `the API at ${originOf(url)} cannot be reached (${deepest(error)})`;
    return new Failure(`${why}; is "lovage serve" running there?`, EXIT.failed, { cause: error });
  }
  // In this process nobody logs what a server would have kept to itself.
  if (code === 'internal') return url === undefined ? bottom(error) : new Failure(message, EXIT.failed);
  const lines = faults.map(({ pointer, detail }) => `\n  ${pointer || '(root)'}: ${detail}`);
  const text = `${message}${REMEDIES[code] ?? ''}${lines.join('')}`;
  if (code === 'validation' || code === 'unknown-task-name') return new UsageError(text);
  return new Failure(text, codeOf(code), { cause: error });
}

const originOf = (url: string | undefined): string =>
  url !== undefined && URL.canParse(url) ? new URL(url).origin : 'LOVAGE_URL';

/** It was answered, but not as this version does, or not by an API of Lovage at all. */
function isForeign(error: unknown): boolean {
  if (error instanceof TypeError) return error.cause === undefined;
  const known = toClientError(error);
  if (!(known instanceof LovageClientError)) return false;
  if (known.code === 'not-found') return true;
  return (
    known.code === 'unreachable' && (statusOf(error) !== undefined || bottom(error) instanceof SyntaxError)
  );
}

function foreign(error: unknown, url: string): Failure {
  const status = statusOf(error);
  const answers = `what answers at ${originOf(url)}${status === undefined ? '' : ` (HTTP ${status})`}`;
  return new Failure(
    `${answers} is not the API that lovage ${version()} speaks to: another version, or another server such as a proxy; ${originOf(url)}/healthz tells the version of an API`,
    EXIT.failed,
    { cause: error },
  );
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof TRPCClientError)) return undefined;
  const response = error.meta?.['response'] as { status: number } | undefined;
  return response?.status;
}

const REMEDIES: Partial<Record<string, string>> = {
  unauthorized: '; set LOVAGE_API_KEY to a key that is live (lovage keys create NAME makes one)',
  forbidden: '; lovage keys create NAME makes a key that may (--scopes, --tenant)',
};

function codeOf(code: string): number {
  if (code === 'unauthorized' || code === 'forbidden') return EXIT.refused;
  const isNotThere = code.endsWith('-not-found') || ['conflict', 'result-expired'].includes(code);
  return isNotThere ? EXIT.notThere : EXIT.failed;
}

/** Who one is, the database, the certificate; pg gives a missing TLS no code. */
const REFUSALS = /^28000$|^28P01$|^3D000$|^42704$|CERT|LEAF_SIGNATURE|^The server does not support SSL/;

/** One line and its exit code. The stack is shown to those who ask for it by LOVAGE_LOG_LEVEL=debug. */
export function describeFailure(
  error: unknown,
  logLevel: string | undefined,
): { text: string; exitCode: number } {
  if (error instanceof UsageError) return { text: error.message, exitCode: EXIT.usage };
  if (error instanceof Failure) {
    const { cause, message: said, exitCode: code } = error;
    const isTold = (logLevel === 'debug' || logLevel === 'trace') && cause instanceof Error;
    return { text: isTold ? `${said}\n${cause.stack}` : said, exitCode: code };
  }
  const exitCode = EXIT.failed;
  if (error instanceof SetupError || error instanceof EmbeddedPostgresError)
    return { text: error.message, exitCode };
  if (isPostgresAway(error)) return { text: `Postgres cannot be reached: ${deepest(error)}`, exitCode };
  const lacking = describeLackingRight(error, roleOf(process.env['DATABASE_URL']));
  if (lacking !== undefined) return { text: `Postgres refuses: ${lacking}`, exitCode };
  const { message, stack } = error as Error;
  if (isRefusal(error)) return { text: `Postgres refused the connection: ${message}`, exitCode };
  if (logLevel === 'debug' || logLevel === 'trace') return { text: stack ?? String(error), exitCode };
  return { text: `${message ?? String(error)} (LOVAGE_LOG_LEVEL=debug shows where)`, exitCode };
}

export function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return REFUSALS.test((error as Error & { code?: string }).code ?? error.message);
}

/** Whoever logs in there. */
const roleOf = (url: string | undefined): string | undefined =>
  url && URL.canParse(url) ? decodeURIComponent(new URL(url).username) || undefined : undefined;

function deepest(error: unknown): string {
  const last = bottom(error);
  return last instanceof Error ? last.message : String(last);
}

function bottom(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return bottom(error.errors[0]);
  return error instanceof Error && error.cause !== undefined ? bottom(error.cause) : error;
}
