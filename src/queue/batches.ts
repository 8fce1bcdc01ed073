import type { Executor } from '../db/connect.ts';
import { explainHeldKey } from './held-key.ts';
import type { NewTask } from './send.ts';

export interface NewBatch {
  /** A UUID v7; default: Postgres makes one. */
  id?: string | undefined;
  tenant: string;
  label: string | null;
  createdBy: string;
  /** The task to start at its end; its input goes into that task's as `input`. */
  followUp?: NewTask | undefined;
  /** The secret is encrypted, in base64. */
  callback?: NewTask['callback'];
}

export interface AddedBatch {
  id: string;
  createdAt: Date;
  taskIds: string[];
  /** How many of its tasks are not yet due. */
  scheduled: number;
}

/** Accepts a batch in one statement: all of it or nothing. @throws conflict where one has a dedupe key that is held. */
export async function addBatch(
  executor: Executor,
  batch: NewBatch,
  tasks: readonly NewTask[],
): Promise<AddedBatch> {
  const { rows } = await executor
    .query<AddedBatch>({
      name: 'lovage_add_batch',
      text: `SELECT batch_id AS id, created_at AS "createdAt", task_ids::text[] AS "taskIds", scheduled
           FROM lovage.add_batch($1, $2)`,
      values: [JSON.stringify(batch), JSON.stringify(tasks)],
    })
    .catch((error: unknown) => {
      throw explainHeldKey(error);
    });
  const [added] = rows;
  if (!added) throw new Error('a batch was accepted but no row came back');
  return added;
}

/** In the order in which they were sent; without the one that was started at the end. */
export async function taskIdsOf(executor: Executor, batchId: string): Promise<string[]> {
  const { rows } = await executor.query<{ id: string }>(
    `SELECT m.id FROM lovage.batch b
     CROSS JOIN LATERAL (SELECT t.id FROM lovage.task t WHERE t.batch_id = b.id
                         UNION ALL SELECT a.id FROM lovage.archived_members(b) a) m
     WHERE b.id = $1 AND m.id IS DISTINCT FROM b.follow_up_id ORDER BY m.id`,
    [batchId],
  );
  return rows.map(({ id }) => id);
}
