import type { Executor } from '../db/connect.ts';
import { LovageError } from '../errors.ts';
import { TASK_STATES } from '../wire.ts';
import type { BatchView } from '../wire/batches.ts';

export interface BatchRow {
  id: string;
  label: string | null;
  size: number;
  follow_up_id: string | null;
  created_by: string | null;
  created_at: Date;
  cancel_requested_at: Date | null;
  finished_at: Date | null;
  counts: Partial<BatchView['counts']> | null;
}

/** Batches of one tenant with what became of their tasks, the newest first. */
export async function selectBatches(
  executor: Executor,
  tenant: string,
  which: { id: string } | { before: string | undefined; limit: number },
): Promise<BatchView[]> {
  const { id, before, limit } = { id: undefined, before: undefined, limit: 1, ...which };
  const { rows } = await executor.query<BatchRow>({
    name: 'lovage_batches',
    text: `SELECT b.id, b.label, b.size, b.follow_up_id, b.created_by, b.created_at, b.cancel_requested_at, b.finished_at, c.counts
           FROM (SELECT batch.*, batch FROM lovage.batch
                 WHERE tenant = $1 AND ($2::uuid IS NULL OR id = $2) AND ($3::uuid IS NULL OR id < $3)
                 ORDER BY id DESC LIMIT $4) b
           CROSS JOIN LATERAL (
             -- The archive is asked where the hot table has not all of them.
             SELECT jsonb_object_agg(s.state, s.tasks) AS counts FROM (
               WITH hot AS MATERIALIZED (
                 SELECT CASE WHEN t.state = 'queued' AND t.due_at > now() THEN 'scheduled' ELSE t.state::text END AS state, count(*) AS tasks
                 FROM lovage.task t WHERE t.batch_id = b.id AND t.id IS DISTINCT FROM b.follow_up_id GROUP BY 1)
               SELECT m.state, sum(m.tasks) AS tasks FROM (
                 SELECT h.state, h.tasks FROM hot h
                 UNION ALL
                 SELECT a.state::text, 1 FROM lovage.archived_members(batch) a
                 WHERE (SELECT coalesce(sum(h.tasks), 0) FROM hot h) < b.size AND a.id IS DISTINCT FROM b.follow_up_id) m
               GROUP BY m.state) s) c
           ORDER BY b.id DESC`,
    values: [tenant, id, before, limit],
  });
  return rows.map(viewBatch);
}

export function viewBatch(row: BatchRow): BatchView {
  const { id } = row;
  const none = Object.fromEntries(TASK_STATES.map((state) => [state, 0])) as BatchView['counts'];
  return {
    id,
    label: row.label,
    state: row.finished_at ? 'finished' : row.cancel_requested_at ? 'cancelling' : 'running',
    counts: { ...none, ...row.counts },
    total: row.size,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    cancelRequestedAt: row.cancel_requested_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
    thenTaskId: row.follow_up_id,
    statusUrl: `/v1/batches/${id}`,
    tasksUrl: `/v1/batches/${id}/tasks`,
  };
}

export const batchNotFound = (id: string): LovageError =>
  new LovageError('batch-not-found', `no batch has the id "${id.slice(0, 64)}"`);
