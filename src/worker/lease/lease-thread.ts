import { parentPort, workerData } from 'node:worker_threads';
import pg from 'pg';
import { isPostgresAway } from '../../db/failures.ts';
import { LeaseSession, type LeaseHolder } from './lease-session.ts';
import { HEARTBEAT_DEADLINE_MS, LEASE_PATIENCE_MS, rescueTasks, type Rescued, type Signs } from './rescue.ts';

/** What the thread tells its worker. */
export type FromLease =
  /** It has said that the worker lives; `byHeartbeat` where no lock can back that up. */
  | { type: 'held'; byHeartbeat: boolean }
  /** Others took the worker for dead, or will before long. */
  | { type: 'lost'; why: string }
  | { type: 'rescued'; tasks: Rescued[] }
  /** Somebody wants the worker to end, as SIGTERM does. */
  | { type: 'drain' }
  | { type: 'trouble'; error: Error; isAway: boolean };

const BEAT_MS = 5_000;
const LOOK_MS = 500;
const RETRY_MS = 250;
/** Handlers have these seconds to stop before others run their tasks again. */
const GIVE_UP_MS = 12_000;
/** Whoever cut this worker off may have cut off all: each gets a lost try to connect, and another, before his free lease tells. */
const TRUST_LEASES_AFTER_MS = 7_000;
const TRUST_HEARTBEATS_AFTER_MS = HEARTBEAT_DEADLINE_MS;
/** A worker's statements are broken off before: no claim of a dead one comes through later. */
const LATE_CLAIMS_MS = 60_000;
const RESCUE_MS = 60_000;

/**
 * The program of the lease's thread: a connection and an event loop of its own, so that a handler that keeps the worker's
 * loop busy is not taken for a death. It looks after the other workers as well.
 */
const holder = workerData as LeaseHolder;
const say = (message: FromLease): void => parentPort?.postMessage(message);

/** When the last renewal that was written was sent. */
let renewedAt = performance.now();
let isHeld = false;
let hasPooler = false;
let failures = 0;
let cutOffAt = -Infinity;
let isRescuing = false;

async function live(): Promise<never> {
  for (;;) {
    const session = new LeaseSession(holder);
    try {
      await session.open();
      if (!hasPooler) await session.takeLock();
      await keep(session);
    } catch (error) {
      if (failures === 0) sayTrouble(error);
      cutOffAt = performance.now();
    }
    session.close();
    await after(failures === 0 ? 0 : RETRY_MS);
    failures += 1;
  }
}

async function keep(session: LeaseSession): Promise<never> {
  for (let beatAt = 0; ;) {
    noticeSilence();
    if (performance.now() >= beatAt) {
      await beat(session);
      beatAt = performance.now() + BEAT_MS;
    }
    const { isSameBackend, isToDrain, verdicts } = await session.look(signs());
    if (isToDrain) say({ type: 'drain' });
    // The lock went with another backend: unsaid, its end would look like a death.
    if (session.hasLock && !isSameBackend) beatAt = 0;
    if (verdicts.some((verdict) => verdict !== 'suspect')) void rescue();
    // Timers may be a moment early.
    const nextMs = beatAt === 0 ? 0 : verdicts.includes('suspect') ? LEASE_PATIENCE_MS + 5 : LOOK_MS;
    await Promise.race([after(nextMs), session.lost]);
  }
}

async function beat(session: LeaseSession): Promise<void> {
  const sentAt = performance.now();
  const { wasLost } = await session.renew(process.memoryUsage.rss());
  renewedAt = sentAt;
  failures = 0;
  if (wasLost) say({ type: 'lost', why: 'others took this worker for dead' });
  if (isHeld && !wasLost && hasPooler === !session.hasLock) return;
  isHeld = true;
  hasPooler = !session.hasLock;
  say({ type: 'held', byHeartbeat: hasPooler });
}

function noticeSilence(): void {
  if (!isHeld || performance.now() - renewedAt <= GIVE_UP_MS) return;
  isHeld = false;
  say({ type: 'lost', why: `for ${GIVE_UP_MS / 1000} s it could not say that it lives` });
}

function signs(): Signs {
  const sinceMs = performance.now() - cutOffAt;
  return {
    patienceMs: sinceMs > TRUST_LEASES_AFTER_MS ? LEASE_PATIENCE_MS : null,
    deadlineMs: sinceMs > TRUST_HEARTBEATS_AFTER_MS ? HEARTBEAT_DEADLINE_MS : null,
  };
}

/** On a connection of its own: a thousand tasks take longer than a renewal may wait. */
async function rescue(lostBefore: string[] = []): Promise<void> {
  if (isRescuing) return;
  isRescuing = true;
  const client = new pg.Client({
    connectionString: holder.url,
    application_name: 'lovage rescue',
    connectionTimeoutMillis: 3_000,
    query_timeout: RESCUE_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const tasks = await rescueTasks(client, signs(), lostBefore);
    if (tasks.length > 0) say({ type: 'rescued', tasks });
    const workers = [...new Set(tasks.map(({ worker_id }) => worker_id))];
    if (workers.length > 0) setTimeout(() => void rescue(workers), LATE_CLAIMS_MS);
  } catch (error) {
    sayTrouble(error);
  } finally {
    isRescuing = false;
    client.end().catch(() => undefined);
  }
}

function sayTrouble(error: unknown): void {
  const { message } = error instanceof Error ? error : new Error(String(error));
  say({ type: 'trouble', error: new Error(message), isAway: isPostgresAway(error) });
}

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

setInterval(noticeSilence, 500);
void live();
