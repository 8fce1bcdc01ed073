import type { Lovage } from '../lovage.ts';
import type { NewTask } from '../queue/send.ts';
import { findDefinition, newTask } from '../tasks/enqueue.ts';
import type { Caller } from '../wire.ts';
import { tagOf, type ScheduleRow } from './rows.ts';

/** The task of one run. @throws LovageError where its definition is gone or does not take the input any more. */
export async function newRun(
  lovage: Pick<Lovage, 'config'>,
  schedule: ScheduleRow,
  run: { id: string; createdBy: string; origin?: Caller['origin'] },
): Promise<NewTask> {
  const { taskName, tenant, name, input, options } = schedule;
  const task = await newTask(
    findDefinition(lovage, taskName),
    { actor: run.createdBy, tenant, origin: run.origin },
    { input, priority: options.priority, tags: [...(options.tags ?? []), tagOf(name)] },
  );
  return { ...task, id: run.id };
}
