import { LovageError } from '../../errors.ts';
import type { TaskView } from '../../wire.ts';
import type { ProcedureCaller } from '../trpc/router.ts';

/** A task of this pack, without its input, which can be megabytes a poll; another pack's is as unknown here as an id that never was. */
export async function getOwnTask(
  procedures: ProcedureCaller,
  names: ReadonlySet<string>,
  id: string,
): Promise<TaskView> {
  const task = await procedures.tasks.get({ id, include: ['result'] });
  if (!names.has(task.name)) throw new LovageError('task-not-found', `no task has the id "${id}"`);
  return task;
}
