import { callAs } from '../db/call-as.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller, PauseOutcome } from '../wire.ts';
import type { ScheduleView } from '../wire/schedules.ts';
import { getSchedule, scheduleNotFound } from './get.ts';

/** Lets a schedule start nothing until it is resumed, whoever restarts in between. @throws schedule-not-found */
export async function pauseSchedule(
  lovage: Pick<Lovage, 'pool'>,
  caller: Pick<Caller, 'actor' | 'tenant'>,
  name: string,
): Promise<{ schedule: ScheduleView; outcome: PauseOutcome }> {
  const call = 'lovage.pause_schedule($2, $3)';
  const outcome = await callAs<PauseOutcome | 'not_found'>(lovage.pool, caller.actor, call, [
    name,
    caller.tenant,
  ]);
  if (outcome === 'not_found') throw scheduleNotFound(name);
  return { schedule: await getSchedule(lovage, caller, name), outcome };
}
