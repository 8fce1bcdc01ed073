import { parentPort, workerData } from 'node:worker_threads';
import pg from 'pg';

/** What the thread is started with, and what it says when others have taken the worker for dead. */
export interface HeartbeatData {
  url: string;
  workerId: string;
  everyMs: number;
}

/**
 * The program of the heartbeat's thread: a connection and an event loop of its own, so that a handler that keeps
 * the worker's loop busy is not taken for a death.
 */
const { url, workerId, everyMs } = workerData as HeartbeatData;
let client: pg.Client | undefined;

async function connected(): Promise<pg.Client> {
  if (client) return client;
  const fresh = new pg.Client({
    connectionString: url,
    application_name: 'lovage heartbeat',
    connectionTimeoutMillis: 3_000,
    query_timeout: 3_000,
  });
  fresh.on('error', () => {
    client = undefined;
  });
  await fresh.connect();
  client = fresh;
  return fresh;
}

async function beat(): Promise<void> {
  try {
    const session = await connected();
    const { rows } = await session.query<{ lost: boolean }>(
      `UPDATE lovage.worker w SET heartbeat_at = now(), lost_at = NULL
       FROM (SELECT lost_at IS NOT NULL AS lost FROM lovage.worker WHERE id = $1) before
       WHERE w.id = $1 RETURNING before.lost`,
      [workerId],
    );
    if (rows[0]?.lost) parentPort?.postMessage('lost');
  } catch {
    client?.end().catch(() => undefined);
    client = undefined;
  } finally {
    setTimeout(() => void beat(), everyMs);
  }
}

void beat();
