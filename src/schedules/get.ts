import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller } from '../wire.ts';
import type { ScheduleView } from '../wire/schedules.ts';
import { findSchedule } from './view.ts';

/** @throws schedule-not-found, also for another tenant's. */
export async function getSchedule(
  { pool }: Pick<Lovage, 'pool'>,
  caller: Pick<Caller, 'tenant'>,
  name: string,
): Promise<ScheduleView> {
  const schedule = await findSchedule(pool, caller.tenant, name);
  if (!schedule) throw scheduleNotFound(name);
  return schedule;
}

export const scheduleNotFound = (name: string): LovageError =>
  new LovageError('schedule-not-found', `no schedule is named "${name.slice(0, 80)}"`);
