import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import { findUnstorable } from '../json/unstorable.ts';
import { findDefinition, newTask } from '../tasks/enqueue.ts';
import type { Caller } from '../wire.ts';
import type { PutScheduleOutcome, ScheduleView } from '../wire/schedules.ts';
import { getSchedule } from './get.ts';
import { databaseTime } from './preview.ts';
import { ofTheConfig } from './remove.ts';
import { firstOccurrence, readRule } from './rule.ts';
import { saveSchedules, type NewSchedule } from './save.ts';

/**
 * Creates a schedule or replaces it. Its next time changes only where its rule does, a pause stays, and so does the record of its
 * runs.
 * @throws unknown-task-name, validation with a pointer per fault, or conflict for one of the config.
 */
export async function putSchedule(
  lovage: Pick<Lovage, 'config' | 'pool'>,
  caller: Pick<Caller, 'actor' | 'tenant'>,
  request: NewSchedule,
): Promise<{ schedule: ScheduleView; outcome: PutScheduleOutcome }> {
  await checkTask(lovage, caller, request);
  const rule = await readRule(request);
  const nextAt = await firstOccurrence(rule, await databaseTime(lovage.pool));
  const [saved] = await saveSchedules(lovage.pool, {
    tenant: caller.tenant,
    createdBy: caller.actor,
    source: 'api',
    schedules: [{ ...request, rule, nextAt }],
  });
  if (!saved) throw ofTheConfig(request.name);
  const schedule = await getSchedule(lovage, caller, request.name);
  return { schedule, outcome: saved.isNew ? 'created' : 'replaced' };
}

/** What could not be enqueued is not saved either. */
export async function checkTask(
  lovage: Pick<Lovage, 'config'>,
  caller: Pick<Caller, 'actor' | 'tenant'>,
  { task, input }: Pick<NewSchedule, 'task' | 'input'>,
): Promise<void> {
  const definition = findDefinition(lovage, task);
  const faults = findUnstorable(input, { text: true, depth: true });
  if (faults.length > 0)
    throw intoInput(new LovageError('validation', 'the input cannot be stored', { faults }));
  // As it will be read back.
  await newTask(definition, caller, { input: input ?? null }).catch((error: unknown) => {
    throw error instanceof LovageError ? intoInput(error) : error;
  });
}

/** The input is a part of what was sent. */
function intoInput(error: LovageError): LovageError {
  const faults = error.faults.map(({ pointer, detail }) => ({ pointer: `/input${pointer}`, detail }));
  return new LovageError(error.code, error.message, { faults, cause: error });
}
