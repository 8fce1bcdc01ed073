import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Worker } from 'node:worker_threads';
import type pg from 'pg';
import type { Log } from '../../log.ts';
import type { LeaseHolder } from './lease-session.ts';
import type { FromLease } from './lease-thread.ts';
import type { Rescued } from './rescue.ts';

export interface Lease {
  /** False once others may take this worker for dead, until it has said again that it lives. */
  readonly isHeld: boolean;
  /** Says that the worker ends: what it leaves behind is then no crash. */
  announceEnd(): Promise<void>;
  /** Says that the worker has ended in order, unless it leaves running tasks behind, and lets go. */
  release(end: { isClean: boolean }): Promise<void>;
}

/** Enters the worker in lovage.worker and takes its lease, in a thread that keeps it and looks after the others. */
export async function takeLease(options: {
  pool: pg.Pool;
  /** Leads to Postgres itself, past any pooler. */
  url: string;
  workerId: string;
  queues: readonly string[];
  tasks: readonly string[];
  slots: number;
  version: string;
  log: Log;
  /** `wasHeld` is false where that had been said already, and others have acted on it since. */
  onLost: (why: string, wasHeld: boolean) => void;
  onRescued: (tasks: Rescued[]) => void;
  onDrain: () => void;
}): Promise<Lease> {
  const { pool, url, workerId, log } = options;
  await pool.query(
    'INSERT INTO lovage.worker (id, host, pid, queues, slots, version, tasks) VALUES ($1, $2, $3, $4, $5, $6, $7)',
    [workerId, hostname(), process.pid, options.queues, options.slots, options.version, options.tasks],
  );
  const program = import.meta.url.endsWith('.ts') ? './lease-thread.ts' : './lease-thread.js';
  const data: LeaseHolder = { url, workerId, key: randomKey() };
  const thread = new Worker(new URL(program, import.meta.url), { workerData: data });
  const { promise: heardOf, resolve: heard } = Promise.withResolvers<void>();
  let isHeld = false;
  thread.on('message', (message: FromLease) => {
    if (message.type === 'held') {
      isHeld = true;
      if (message.byHeartbeat) log.warn(HEARTBEAT_ALONE);
    } else if (message.type === 'lost') {
      const wasHeld = isHeld;
      isHeld = false;
      options.onLost(message.why, wasHeld);
    } else if (message.type === 'rescued') options.onRescued(message.tasks);
    else if (message.type === 'drain') options.onDrain();
    else if (message.isAway) log.warn({ err: message.error }, 'the lease lost its connection; trying again');
    else log.error({ err: message.error }, 'the lease’s thread had an error; trying again');
    heard();
  });
  thread.unref();
  await heardOf;

  const tell = async (what: string): Promise<void> => {
    // With Postgres away it cannot say so; its heartbeat runs out then.
    await pool.query(`UPDATE lovage.worker SET ${what} WHERE id = $1`, [workerId]).catch(() => undefined);
  };
  return {
    get isHeld() {
      return isHeld;
    },
    announceEnd: () => tell('draining = true'),
    async release({ isClean }) {
      if (isClean) await tell('stopped_at = now()');
      await thread.terminate();
    },
  };
}

const HEARTBEAT_ALONE =
  'a pooler stands between this worker and Postgres: it goes by its heartbeat alone, and its death shows after 15 s; set LOVAGE_DIRECT_URL';

/** Any number that is no other lock's: 63 bits. */
const randomKey = (): string => (randomBytes(8).readBigUInt64BE() >> 1n).toString();
