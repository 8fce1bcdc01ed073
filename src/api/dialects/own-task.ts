import { getTask, taskNotFound } from '../../tasks/get.ts';
import { listChildren } from '../../tasks/list-children.ts';
import type { Caller, TaskView } from '../../wire.ts';
import type { DialectParts } from './parts.ts';

/**
 * A task of these definitions, without its input, which can be megabytes a poll; any other, and one that the dialect has
 * forgotten, is as unknown here as an id that never was.
 */
export async function getOwnTask(shared: Shared, caller: Caller, id: string): Promise<TaskView> {
  const [task] = await getOwnFamily(shared, caller, { id, withChildren: false });
  return task;
}

type Shared = Pick<DialectParts, 'parts' | 'pack' | 'names'>;

/** The same with what it started, which keeps it known until the last of them is forgotten. */
export async function getOwnFamily(
  { parts: { lovage }, pack: { dialect }, names }: Shared,
  caller: Caller,
  { id, withChildren }: { id: string; withChildren: boolean },
): Promise<[TaskView, ...TaskView[]]> {
  const task = await getTask(lovage, caller, id, ['result']);
  if (!names.has(task.name)) throw taskNotFound(id);
  const children = withChildren ? await listChildren(lovage, caller, task.id, ['result']) : [];
  if ([task, ...children].every((one) => isForgotten(one, dialect.forgetsAfterMs))) throw taskNotFound(id);
  return [task, ...children];
}

const isForgotten = ({ finishedAt }: TaskView, afterMs = Number.POSITIVE_INFINITY): boolean =>
  finishedAt !== null && Date.now() - Date.parse(finishedAt) > afterMs;
