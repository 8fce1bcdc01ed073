import { archiveTasks } from '../../src/archive/move.ts';
import type { Lab } from '../lab.ts';

/** From now on final tasks are due for the archive at once. */
export async function archiveAtOnce(lab: Lab): Promise<void> {
  await lab.sql('UPDATE lovage.definition SET archive_after_ms = 1');
  await lab.sql('UPDATE lovage.queue_control SET archive_after_ms = 1');
}

/** A pass over the whole hot table. */
export const archiveAll = (lab: Lab) => archiveTasks(lab.lovage.pool);

/** Where a task is: `hot`, `archive`, both or nowhere. */
export async function placesOf(lab: Lab, id: string): Promise<string[]> {
  const rows = await lab.sql<{ place: string }>(
    `SELECT 'hot' AS place FROM lovage.task WHERE id = $1
     UNION ALL SELECT 'archive' FROM lovage.task_archive WHERE id = $1`,
    [id],
  );
  return rows.map(({ place }) => place);
}

export async function countIn(lab: Lab, table: string): Promise<number> {
  const [row] = await lab.sql<{ n: number }>(`SELECT count(*)::int AS n FROM lovage.${table}`);
  return row?.n ?? 0;
}

/** So many tasks that have succeeded, each with three events; in a column of its own may be told when. */
export async function makeFinal(
  lab: Lab,
  count: number,
  options: { age?: string; state?: string } = {},
): Promise<void> {
  const { age = '0 s', state = 'succeeded' } = options;
  await lab.sql(
    `WITH made AS (
       INSERT INTO lovage.task (id, name, queue, state, attempt, created_at, started_at, finished_at, events, tags)
       SELECT lovage.uuid_v7_at((extract(epoch FROM now() - $2::interval) * 1000000)::bigint - $1 + n), 'diag.noop', 'diag', $3::lovage.task_state, 1,
              now() - $2::interval, now() - $2::interval, now() - $2::interval, 3, ARRAY['made']
       FROM generate_series(1, $1::int) n RETURNING id)
     INSERT INTO lovage.task_event (task_id, number, type, attempt)
     SELECT m.id, e.number, e.type, least(1, e.number - 1)
     FROM made m CROSS JOIN (VALUES (1, 'queued'), (2, 'started'), (3, $3::text)) AS e (number, type)`,
    [count, age, state],
  );
}
