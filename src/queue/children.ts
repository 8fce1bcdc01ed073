import type { Executor } from '../db/connect.ts';
import { explainHeldKey } from './held-key.ts';
import type { NewTask } from './send.ts';

/** A running attempt, by which its children are fenced. */
export interface Parent {
  id: string;
  attempt: number;
  queue: string;
  /** Of its attempt. */
  trace?: string | null | undefined;
  requestId?: string | null | undefined;
}

/** A child to make: whose tenant and author it is, its parent says. */
export type NewChild = Omit<NewTask, 'tenant' | 'createdBy' | 'priority'> & {
  parentStep: string;
  priority?: number | undefined;
};

export interface MadeChild {
  id: string;
  /** False where its step was used before for another definition or input. */
  isSame: boolean;
}

/**
 * Makes children, or finds those that an earlier attempt made under the same steps, in one statement; in the order of `tasks`.
 * None comes back where the attempt is no longer the task's own. @throws conflict where one has a dedupe key that is held.
 */
export async function addChildren(
  executor: Executor,
  { id, attempt, queue }: Parent,
  tasks: readonly NewChild[],
): Promise<MadeChild[]> {
  const { rows } = await executor
    .query<MadeChild>({
      name: 'lovage_add_children',
      text: `SELECT child_id AS id, is_same AS "isSame" FROM lovage.add_children($1, $2, $3, lovage.with_result_ttl($4)) ORDER BY place`,
      values: [queue, id, attempt, JSON.stringify(tasks)],
    })
    .catch((error: unknown) => {
      throw explainHeldKey(error);
    });
  return rows;
}

export interface ChildRow {
  id: string;
  name: string;
  step: string;
  state: string;
  error: Record<string, unknown> | null;
  output: unknown;
}

/** The children of a task among `ids`; their outputs only when all of those are final. */
export async function readChildren(
  executor: Executor,
  parentId: string,
  ids: readonly string[],
): Promise<ChildRow[]> {
  const { rows } = await executor.query<ChildRow>({
    name: 'lovage_children',
    // A result past its time to live is still its parent's, as long as it is there.
    text: `SELECT t.id, t.name, t.parent_step AS step, t.state, t.error - 'stack' AS error,
                  CASE WHEN bool_and(lovage.is_final(t.state)) OVER () THEN
                    (SELECT r.output FROM lovage.task_result r WHERE r.task_id = t.id) END AS output
           FROM lovage.task t WHERE t.id = ANY ($1) AND t.parent_id = $2`,
    values: [ids, parentId],
  });
  return rows;
}
