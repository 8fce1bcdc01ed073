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

/** As if so much time had passed since they were archived. */
export async function countIn(lab: Lab, table: string): Promise<number> {
  const [row] = await lab.sql<{ n: number }>(`SELECT count(*)::int AS n FROM lovage.${table}`);
  return row?.n ?? 0;
}
