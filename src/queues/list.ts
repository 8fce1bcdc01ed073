import { HOUSEKEEPING_QUEUE } from '../config.ts';
import type { Executor } from '../db/connect.ts';
import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import { isQueueName } from '../task.ts';
import type { Page, QueueView } from '../wire.ts';

interface QueueRow {
  queue: string;
  paused_at: Date | null;
  paused_by: string | null;
  pause_reason: string | null;
  max_running: number | null;
  max_per_key: number | null;
  rate_limit: number | null;
  rate_period_ms: number | null;
  limited_by: string | null;
  waiting: number;
  is_more: boolean;
  running: number | null;
  oldest: Date | null;
}

/** Every declared queue, by name, but Lovage's own. */
export async function listQueues({ pool }: Pick<Lovage, 'pool'>): Promise<Page<QueueView>> {
  return { items: (await selectQueues(pool, null)).map(viewQueue), nextCursor: null };
}

/** The same, with since when the oldest that could start waits. */
export async function listQueueDepths({
  pool,
}: Pick<Lovage, 'pool'>): Promise<(QueueView & { oldestReadyAt: string | null })[]> {
  return (await selectQueues(pool, null)).map((row) => ({
    ...viewQueue(row),
    oldestReadyAt: row.oldest?.toISOString() ?? null,
  }));
}

/** @throws queue-not-found */
export async function getQueue({ pool }: Pick<Lovage, 'pool'>, name: string): Promise<QueueView> {
  requireQueueName(name);
  const [row] = await selectQueues(pool, name);
  if (!row) throw queueNotFound(name);
  return viewQueue(row);
}

/** What cannot be a name, such as NUL, names no queue, and would be an error to Postgres. */
export function requireQueueName(name: string): void {
  if (!isQueueName(name)) throw queueNotFound(name);
}

export const queueNotFound = (name: string): LovageError =>
  new LovageError('queue-not-found', `no queue is named "${name.slice(0, 60)}"`);

async function selectQueues(executor: Executor, name: string | null): Promise<QueueRow[]> {
  const { rows } = await executor.query<QueueRow>({
    name: 'lovage_queues',
    text: `SELECT q.queue, q.paused_at, q.paused_by, q.pause_reason, q.max_running, q.max_per_key, q.rate_limit,
                  q.rate_period_ms, q.limited_by, coalesce(d.waiting, 0) AS waiting, coalesce(d.is_more, false) AS is_more,
                  CASE WHEN d.queue IS NULL THEN 0 ELSE d.running END AS running, d.oldest
           FROM lovage.queue_control q LEFT JOIN lovage.queue_depths($1) d ON d.queue = q.queue
           WHERE CASE WHEN $1::text IS NULL THEN q.queue <> $2 ELSE q.queue = $1 END
           ORDER BY q.queue`,
    values: [name, HOUSEKEEPING_QUEUE],
  });
  return rows;
}

const viewQueue = (row: QueueRow): QueueView => ({
  name: row.queue,
  paused: row.paused_at && { at: row.paused_at.toISOString(), by: row.paused_by, reason: row.pause_reason },
  limits: {
    concurrency: row.max_running,
    perKey: row.max_per_key,
    rate:
      row.rate_limit === null || row.rate_period_ms === null
        ? null
        : { limit: row.rate_limit, periodMs: row.rate_period_ms },
  },
  limitsSetBy: row.limited_by,
  waiting: row.waiting,
  waitingIsMore: row.is_more,
  running: row.running,
});
