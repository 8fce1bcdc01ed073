import { getTask, taskNotFound } from '../../tasks/get.ts';
import { listChildren } from '../../tasks/list-children.ts';
import type { Lovage } from '../../lovage.ts';
import type { Caller, TaskView } from '../../wire.ts';

/** A task of these definitions, without its input, which can be megabytes a poll; any other is as unknown here as an id that never was. */
export async function getOwnTask(
  lovage: Lovage,
  caller: Caller,
  { id, names }: { id: string; names: ReadonlySet<string> },
): Promise<TaskView> {
  const task = await getTask(lovage, caller, id, ['result']);
  if (!names.has(task.name)) throw taskNotFound(id);
  return task;
}

/** What it started, with the results. */
export const listOwnChildren = (lovage: Lovage, caller: Caller, id: string): Promise<TaskView[]> =>
  listChildren(lovage, caller, id, ['result']);
