import type { Config, ScheduledTask } from '../config.ts';
import type { Executor } from '../db/connect.ts';
import { LovageError, SetupError } from '../errors.ts';
import { scheduleFields } from './fields.ts';
import { databaseTime } from './preview.ts';
import { checkTask } from './put.ts';
import { forgetRuns } from './remove.ts';
import { firstOccurrence, hasEnd, nextOccurrence, readRule } from './rule.ts';
import { saveSchedules, type CheckedSchedule } from './save.ts';

const OWNER = { tenant: 'default', actor: 'config' };

/** Makes the schedules of a configuration so: new ones, changed ones, and those that are in it no more. @throws SetupError */
export async function publishSchedules(executor: Executor, config: Config): Promise<void> {
  const names = [...config.schedules.keys()];
  const { rows } = await executor.query<{ id: string }>(
    "DELETE FROM lovage.schedule WHERE source = 'config' AND name <> ALL ($1) RETURNING id",
    [names],
  );
  await forgetRuns(executor, rows);
  if (names.length === 0) return;
  const now = await databaseTime(executor);
  const schedules: CheckedSchedule[] = [];
  for (const [name, scheduled] of config.schedules) schedules.push(await check(config, name, scheduled, now));
  await saveSchedules(executor, {
    tenant: OWNER.tenant,
    createdBy: OWNER.actor,
    source: 'config',
    schedules,
  });
}

async function check(
  config: Config,
  name: string,
  scheduled: ScheduledTask,
  now: Date,
): Promise<CheckedSchedule> {
  const { task, input, ...more } = scheduled;
  try {
    if (config.tasks.get(task.name) !== task) throw new Error(`no pack registers the task "${task.name}"`);
    const { error } = scheduleFields.safeParse({ ...more, name, task: task.name, input });
    if (error)
      throw new Error(error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
    await checkTask({ config }, OWNER, { task: task.name, input });
    const rule = await readRule(more);
    // One that has run out does not keep a process from starting.
    const nextAt = hasEnd(rule) ? await nextOccurrence(rule, now) : await firstOccurrence(rule, now);
    return { ...more, name, task: task.name, input, rule, nextAt };
  } catch (error) {
    throw new SetupError(`schedule "${name}": ${describe(error)}`);
  }
}

function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const faults = error instanceof LovageError ? error.faults : [];
  return [message, ...faults.map(({ pointer, detail }) => `${pointer}: ${detail}`)].join('; ');
}
