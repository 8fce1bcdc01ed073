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

/**
 * Makes the schedules of a configuration so: new ones, changed ones, and those that are in it no more; with `changes` false only those
 * that are new. @throws SetupError
 */
export async function publishSchedules(
  executor: Executor,
  config: Config,
  { changes = true }: { changes?: boolean } = {},
): Promise<void> {
  const scheduled = new Map(config.schedules);
  if (changes) await removeOthers(executor, [...scheduled.keys()]);
  else for (const name of await knownNames(executor)) scheduled.delete(name);
  if (scheduled.size === 0) return;
  const now = await databaseTime(executor);
  const schedules: CheckedSchedule[] = [];
  for (const [name, one] of scheduled) schedules.push(await check(config, name, one, now));
  await saveSchedules(executor, {
    tenant: OWNER.tenant,
    createdBy: OWNER.actor,
    source: 'config',
    schedules,
  });
}

async function removeOthers(executor: Executor, names: readonly string[]): Promise<void> {
  const { rows } = await executor.query<{ id: string }>(
    "DELETE FROM lovage.schedule WHERE source = 'config' AND name <> ALL ($1) RETURNING id",
    [names],
  );
  await forgetRuns(executor, rows);
}

async function knownNames(executor: Executor): Promise<string[]> {
  const { rows } = await executor.query<{ name: string }>(
    'SELECT name FROM lovage.schedule WHERE tenant = $1',
    [OWNER.tenant],
  );
  return rows.map(({ name }) => name);
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
