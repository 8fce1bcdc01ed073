import type { Executor } from '../db/connect.ts';
import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import { readCursor, writeCursor } from '../tasks/list.ts';
import { isTaskId } from '../tasks/view.ts';
import type { Page } from '../wire.ts';
import type { WorkerState, WorkerView } from '../wire/worker.ts';

export interface ListWorkersRequest {
  state?: readonly WorkerState[] | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
}

type WorkerRow = Omit<WorkerView, 'startedAt' | 'heartbeatAt'> & { startedAt: Date; heartbeatAt: Date };

const DEFAULT_PAGE = 50;
const MAX_PAGE = 200;

/** The processes that run tasks, the youngest first. Workers are shared by all tenants. */
export async function listWorkers(
  { pool }: Pick<Lovage, 'pool'>,
  request: ListWorkersRequest = {},
): Promise<Page<WorkerView>> {
  const limit = Math.min(request.limit ?? DEFAULT_PAGE, MAX_PAGE);
  const after = request.cursor === undefined ? null : readCursor(request.cursor);
  const rows = await selectWorkers(pool, { states: request.state ?? null, after, id: null }, limit + 1);
  const items = rows.slice(0, limit).map(viewWorker);
  return { items, nextCursor: rows.length > limit ? writeCursor(items.at(-1)?.id ?? '') : null };
}

/** @throws worker-not-found */
export async function getWorker({ pool }: Pick<Lovage, 'pool'>, id: string): Promise<WorkerView> {
  const [row] = isTaskId(id) ? await selectWorkers(pool, { states: null, after: null, id }, 1) : [];
  if (!row) throw workerNotFound(id);
  return viewWorker(row);
}

export const workerNotFound = (id: string): LovageError =>
  new LovageError('worker-not-found', `no worker has the id "${id.slice(0, 60)}"`);

async function selectWorkers(
  executor: Executor,
  { states, after, id }: { states: readonly WorkerState[] | null; after: string | null; id: string | null },
  count: number,
): Promise<WorkerRow[]> {
  const { rows } = await executor.query<WorkerRow>({
    name: 'lovage_workers',
    text: `WITH page AS (
             SELECT w.*, s.state
             FROM lovage.worker w CROSS JOIN LATERAL (SELECT CASE
               WHEN w.stopped_at IS NOT NULL THEN 'stopped'
               WHEN w.lost_at IS NOT NULL OR w.heartbeat_at < now() - interval '15 s' THEN 'lost'
               WHEN w.draining OR w.drain_requested_at IS NOT NULL THEN 'draining' ELSE 'live' END AS state) s
             WHERE ($1::text[] IS NULL OR s.state = ANY ($1))
               AND ($2::uuid IS NULL OR (w.started_at, w.id) < (SELECT l.started_at, l.id FROM lovage.worker l WHERE l.id = $2))
               AND ($4::uuid IS NULL OR w.id = $4)
             ORDER BY w.started_at DESC, w.id DESC LIMIT $3
           ), served AS (
             SELECT q.queue, lovage.tells_running(q.job_table) AS tells
             FROM lovage.queue_control q WHERE q.queue IN (SELECT unnest(p.queues) FROM page p)
           ), busy AS (
             SELECT r.worker_id, count(*)::int AS running
             FROM served s CROSS JOIN LATERAL lovage.running_attempts(s.queue) r GROUP BY r.worker_id)
           SELECT p.id, p.host, p.pid, p.state, p.queues, p.slots, p.version, p.started_at AS "startedAt",
                  p.heartbeat_at AS "heartbeatAt",
                  CASE WHEN NOT EXISTS (SELECT FROM served s WHERE s.queue = ANY (p.queues) AND NOT s.tells)
                       THEN coalesce(b.running, 0) END AS running
           FROM page p LEFT JOIN busy b ON b.worker_id = p.id
           ORDER BY p.started_at DESC, p.id DESC`,
    values: [states, after, count, id],
  });
  return rows;
}

const viewWorker = ({ startedAt, heartbeatAt, ...row }: WorkerRow): WorkerView => ({
  ...row,
  startedAt: startedAt.toISOString(),
  heartbeatAt: heartbeatAt.toISOString(),
});
