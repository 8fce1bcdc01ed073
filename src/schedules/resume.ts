import { callAs } from '../db/call-as.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller, ResumeOutcome } from '../wire.ts';
import type { ScheduleView } from '../wire/schedules.ts';
import { getSchedule, scheduleNotFound } from './get.ts';

/** Lets a paused schedule go on with its next time; what came due meanwhile is not made up. @throws schedule-not-found */
export async function resumeSchedule(
  lovage: Pick<Lovage, 'pool'>,
  caller: Pick<Caller, 'actor' | 'tenant'>,
  name: string,
): Promise<{ schedule: ScheduleView; outcome: ResumeOutcome }> {
  const call = 'lovage.resume_schedule($2, $3)';
  const outcome = await callAs<ResumeOutcome | 'not_found'>(lovage.pool, caller.actor, call, [
    name,
    caller.tenant,
  ]);
  if (outcome === 'not_found') throw scheduleNotFound(name);
  return { schedule: await getSchedule(lovage, caller, name), outcome };
}
