/** Postgres is away, starting, stopping or out of connections: the same request may succeed in a moment. */
const AWAY = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  '57P01',
  '57P02',
  '57P03',
  '53300',
  '25006',
]);

// pg gives its own timeouts and cut connections no code, only these messages.
const AWAY_MESSAGES =
  /^(timeout expired|timeout exceeded when trying to connect|Connection terminated|Query read timeout|Client has encountered a connection error|Cannot use a pool after)/;

export const saysPostgresAway = (message: string): boolean => AWAY_MESSAGES.test(message);

/** Drizzle, and AggregateError of a dual-stack connect, wrap what really happened. */
export function* chain(error: unknown): Generator<Error & { code?: unknown }> {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    yield cause;
    if (cause instanceof AggregateError) yield* cause.errors.filter((inner) => inner instanceof Error);
  }
}

/** True when the error says that Postgres cannot be reached, whatever the statement was. */
export function isPostgresAway(error: unknown): boolean {
  for (const { code, message } of chain(error)) {
    if (typeof code === 'string' && (AWAY.has(code) || code.startsWith('08'))) return true;
    if (code === undefined && saysPostgresAway(message)) return true;
  }
  return false;
}

/** True when Postgres has no room left to write: reading works, and so does writing once somebody has made room. */
export function isDiskFull(error: unknown): boolean {
  for (const { code } of chain(error)) if (code === '53100') return true;
  return false;
}

/** True when Postgres refused a text for NUL or half a surrogate pair: no column takes those. */
export function isUnstorableText(error: unknown): boolean {
  for (const { code } of chain(error)) if (code === '22021' || code === '22P05') return true;
  return false;
}

/** Asked, and no answer: what was asked may have been done all the same. */
const UNANSWERED = /^(Query read timeout|Connection terminated)/;

/** False where the statement cannot have reached Postgres. */
export function mayHaveHappened(error: unknown): boolean {
  for (const { code, message } of chain(error)) {
    if (code === 'ECONNRESET' || code === 'EPIPE' || (code === undefined && UNANSWERED.test(message)))
      return true;
  }
  return false;
}

// Connection, conflict, resources, locks, an operator's or a clock's cancel, the system, a queue's table that somebody
// dropped and `lovage migrate` brings back: not what was asked for.
const PASSING = /^(?:08|40|53|55|57|58|42P01)/;

/** True when a table is missing: that of a queue, which somebody dropped and `lovage migrate` brings back. */
export function isTableMissing(error: unknown): boolean {
  for (const { code } of chain(error)) if (code === '42P01') return true;
  return false;
}

/** True when the same statement may succeed in a moment; false when Postgres refuses it for what is in it. */
export function isPassing(error: unknown): boolean {
  if (isPostgresAway(error)) return true;
  for (const { code } of chain(error)) if (typeof code === 'string' && PASSING.test(code)) return true;
  return false;
}

/** True when a lock was not to be had within the session's lock_timeout. */
export function isLockBusy(error: unknown): boolean {
  for (const { code } of chain(error)) if (code === '55P03') return true;
  return false;
}

/** Deadlock or serialization failure: the transaction was rolled back and can be run again as it is. */
export function isRetryable(error: unknown): boolean {
  for (const { code } of chain(error)) if (code === '40P01' || code === '40001') return true;
  return false;
}

/** Runs a transaction again when Postgres broke it off to resolve a conflict. */
export async function retryConflicts<Result>(work: () => Promise<Result>, tries = 5): Promise<Result> {
  for (let left = tries; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      if (left <= 1 || !isRetryable(error)) throw error;
    }
  }
}
