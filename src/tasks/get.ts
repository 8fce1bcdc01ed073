import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller, TaskView } from '../wire.ts';
import { oneTask } from './places.ts';
import { isTaskId, ofTenant, selectTasks, viewTask, type Include } from './view.ts';

export type { Include } from './view.ts';

const EVERYTHING: readonly Include[] = ['input', 'result'];

/** One task, whole. @throws task-not-found for an id that is unknown, malformed or another tenant's. */
export async function getTask(
  { db }: Pick<Lovage, 'db'>,
  caller: Pick<Caller, 'tenant'>,
  id: string,
  include: readonly Include[] = EVERYTHING,
): Promise<TaskView> {
  if (!isTaskId(id)) throw taskNotFound(id);
  const [row] = await selectTasks(db, include, oneTask(id)).where(ofTenant(caller.tenant));
  if (!row) throw taskNotFound(id);
  return viewTask(row, include);
}

export function taskNotFound(id: string): LovageError {
  return new LovageError('task-not-found', `no task has the id "${id.slice(0, 64)}"`);
}
