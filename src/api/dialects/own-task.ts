import { getTask, taskNotFound } from '../../tasks/get.ts';
import { listChildren } from '../../tasks/list-children.ts';
import type { Lovage } from '../../lovage.ts';
import type { Caller, TaskView } from '../../wire.ts';
import type { DialectParts } from './parts.ts';

/**
 * A task of these definitions, without its input, which can be megabytes a poll; any other, and one that the dialect has
 * forgotten, is as unknown here as an id that never was.
 */
export async function getOwnTask(
  { parts: { lovage }, pack: { dialect }, names }: Pick<DialectParts, 'parts' | 'pack' | 'names'>,
  caller: Caller,
  id: string,
): Promise<TaskView> {
  const task = await getTask(lovage, caller, id, ['result']);
  if (!names.has(task.name) || isForgotten(task, dialect.forgetsAfterMs)) throw taskNotFound(id);
  return task;
}

const isForgotten = ({ finishedAt }: TaskView, afterMs = Number.POSITIVE_INFINITY): boolean =>
  finishedAt !== null && Date.now() - Date.parse(finishedAt) > afterMs;

/** What it started, with the results. */
export const listOwnChildren = (lovage: Lovage, caller: Caller, id: string): Promise<TaskView[]> =>
  listChildren(lovage, caller, id, ['result']);
