import { hostname } from 'node:os';
import { Worker } from 'node:worker_threads';
import type pg from 'pg';
import type { HeartbeatData } from './heartbeat-thread.ts';

const EVERY_MS = 5_000;
/** A worker whose heartbeat is older than this is taken for dead. */
export const HEARTBEAT_DEADLINE_MS = 15_000;

export interface Heartbeat {
  /** Says that the worker ended in order, unless it leaves running tasks behind. */
  stop(end: { isClean: boolean }): Promise<void>;
}

/** Enters the worker in lovage.worker and keeps its heartbeat there. `onLost` when others took it for dead. */
export async function startHeartbeat(options: {
  pool: pg.Pool;
  url: string;
  workerId: string;
  queues: readonly string[];
  slots: number;
  version: string;
  onLost: () => void;
}): Promise<Heartbeat> {
  const { pool, url, workerId } = options;
  await pool.query(
    'INSERT INTO lovage.worker (id, host, pid, queues, slots, version) VALUES ($1, $2, $3, $4, $5, $6)',
    [workerId, hostname(), process.pid, options.queues, options.slots, options.version],
  );
  const program = new URL(
    import.meta.url.endsWith('.ts') ? './heartbeat-thread.ts' : './heartbeat-thread.js',
    import.meta.url,
  );
  const data: HeartbeatData = { url, workerId, everyMs: EVERY_MS };
  const thread = new Worker(program, { workerData: data });
  thread.on('message', options.onLost);
  thread.unref();
  return {
    async stop({ isClean }) {
      await thread.terminate();
      if (!isClean) return;
      // With Postgres away it cannot say goodbye; its heartbeat runs out then.
      await pool
        .query('UPDATE lovage.worker SET stopped_at = now() WHERE id = $1', [workerId])
        .catch(() => undefined);
    },
  };
}
