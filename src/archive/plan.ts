import type { Executor } from '../db/connect.ts';
import type { Lovage } from '../lovage.ts';
import type { ArchivePlanView } from '../wire/archive.ts';

/** The hot table may hold millions: of its oldest so many are looked at. */
const LOOK_AT = 100_000;

type TaskPlan = ArchivePlanView['tasks'][number];
type PartitionPlan = Omit<ArchivePlanView['partitions'][number], 'from' | 'to'> & {
  from: Date | null;
  to: Date | null;
};

/** What the next round of housekeeping would do, and what expires when. Changes nothing. */
export async function planArchive({ pool }: Pick<Lovage, 'pool'>): Promise<ArchivePlanView> {
  const [tasks, partitions, state] = await Promise.all([
    planTasks(pool),
    planPartitions(pool),
    readState(pool),
  ]);
  return {
    ...state,
    ...tasks,
    partitions: partitions.map(({ from, to, ...rest }) => ({
      ...rest,
      from: from?.toISOString() ?? null,
      to: to?.toISOString() ?? null,
    })),
  };
}

async function planTasks(executor: Executor): Promise<Pick<ArchivePlanView, 'tasks' | 'isAll'>> {
  const { rows } = await executor.query<TaskPlan & { looked: number }>(
    `WITH seen AS MATERIALIZED (SELECT t.id, t.name, t.queue, t.state FROM lovage.task t ORDER BY t.id LIMIT $1),
          ripe AS MATERIALIZED (SELECT unnest(lovage.ripe_tasks(ARRAY(SELECT s.id FROM seen s WHERE lovage.is_final(s.state)), $1::int)) AS id),
          counted AS (
            SELECT s.name, s.queue, count(r.id)::int AS due, count(*)::int AS final
            FROM seen s LEFT JOIN ripe r ON r.id = s.id WHERE lovage.is_final(s.state) GROUP BY s.name, s.queue)
     SELECT k.name, k.queue, (extract(epoch FROM l.archive_after) * 1000)::float8 AS "archiveAfterMs",
            (extract(epoch FROM l.retention) * 1000)::float8 AS "retentionMs",
            coalesce(c.due, 0) AS due, coalesce(c.final - c.due, 0) AS waiting, (SELECT count(*)::int FROM seen) AS looked
     FROM (SELECT d.name, d.queue FROM lovage.definition d UNION SELECT c.name, c.queue FROM counted c) k
     LEFT JOIN counted c ON c.name = k.name AND c.queue = k.queue
     CROSS JOIN LATERAL lovage.keeping(k.name, k.queue) l
     ORDER BY k.name, k.queue`,
    [LOOK_AT],
  );
  return { tasks: rows.map(({ looked: _looked, ...task }) => task), isAll: (rows[0]?.looked ?? 0) < LOOK_AT };
}

async function planPartitions(executor: Executor): Promise<PartitionPlan[]> {
  const { rows } = await executor.query<PartitionPlan>(
    `SELECT a.name, nullif(a.from_at, '-infinity') AS "from", nullif(a.to_at, 'infinity') AS "to", coalesce(p.tasks, 0)::float8 AS tasks, a.bytes::float8 AS bytes,
            a.to_at <= now() AS "isExpired"
     FROM lovage.attached_partitions() a LEFT JOIN lovage.archive_partition p ON p.name = a.name ORDER BY a.from_at`,
  );
  return rows;
}

async function readState(executor: Executor) {
  const { rows } = await executor.query<{
    at: Date;
    lacking: Date[];
    heldUntil: string | null;
    lastRoundAt: Date | null;
    resultsExpired: number;
  }>(
    `SELECT now() AS at, ARRAY(SELECT * FROM lovage.lacking_partitions()) AS lacking,
            (SELECT u.detail ->> 'heldUntil' FROM lovage.upkeep u WHERE u.subject = 'clock') AS "heldUntil",
            (SELECT u.at FROM lovage.upkeep u WHERE u.subject = 'house') AS "lastRoundAt",
            (SELECT count(*)::int FROM (SELECT r.expires_at FROM lovage.task_result r ORDER BY r.task_id LIMIT $1) r
             WHERE r.expires_at <= now()) AS "resultsExpired"`,
    [LOOK_AT],
  );
  const [row] = rows;
  if (!row) throw new Error('a SELECT without a table returned nothing');
  return {
    at: row.at.toISOString(),
    resultsExpired: row.resultsExpired,
    lacking: row.lacking.map((time) => time.toISOString()),
    heldUntil: row.heldUntil === null ? null : new Date(row.heldUntil).toISOString(),
    lastRoundAt: row.lastRoundAt?.toISOString() ?? null,
  };
}
