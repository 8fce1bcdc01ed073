import type { Executor } from '../db/connect.ts';
import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller } from '../wire.ts';
import type { ScheduleView } from '../wire/schedules.ts';
import { getSchedule } from './get.ts';

/** Removes a schedule and the record of its runs; its tasks stay. @throws schedule-not-found, or conflict for one of the config. */
export async function removeSchedule(
  lovage: Pick<Lovage, 'pool'>,
  caller: Pick<Caller, 'tenant'>,
  name: string,
): Promise<ScheduleView> {
  const schedule = await getSchedule(lovage, caller, name);
  const { rows } = await lovage.pool.query<{ id: string }>(
    "DELETE FROM lovage.schedule WHERE tenant = $1 AND name = $2 AND source = 'api' RETURNING id",
    [caller.tenant, name],
  );
  if (rows.length === 0 && schedule.source === 'config') throw ofTheConfig(name);
  await forgetRuns(lovage.pool, rows);
  return schedule;
}

/** In a statement of its own: a run that was being recorded meanwhile is seen. */
export async function forgetRuns(executor: Executor, schedules: readonly { id: string }[]): Promise<void> {
  if (schedules.length === 0) return;
  await executor.query('DELETE FROM lovage.schedule_run WHERE schedule_id = ANY ($1)', [
    schedules.map(({ id }) => id),
  ]);
}

export const ofTheConfig = (name: string): LovageError =>
  new LovageError(
    'conflict',
    `schedule "${name}" comes from the configuration: change it there; it can be paused, resumed and run here`,
  );
