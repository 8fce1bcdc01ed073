import { inTransaction } from '../db/in-transaction.ts';
import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import { sendTasks, type NewTask } from '../queue/send.ts';
import { traceSendEach } from '../tracing/spans.ts';
import { lockDue, type DueSchedule } from './due.ts';
import { newRun } from './new-run.ts';
import { recordRuns, type Run } from './record-runs.ts';
import { nextOccurrence } from './rule.ts';
import { tagOf } from './rows.ts';

/** So many schedules go out in one transaction. */
const TOGETHER = 50;
const MAX_ERROR = 1_000;

/**
 * Runs what is due: the tasks, the record of their runs and the next times commit together or not at all, so each
 * occurrence runs once, however many workers come to it and whenever one dies. Returns how many schedules moved on.
 */
export async function fireDue(
  lovage: Pick<Lovage, 'config' | 'pool' | 'notifier' | 'log'>,
  only: {
    ids?: readonly string[];
    /** Why these cannot run: they are recorded and moved on. */ refusal?: string;
  } = {},
): Promise<number> {
  const tasks = [...lovage.config.tasks.keys()];
  const sent = await inTransaction(lovage.pool, async (tx) => {
    const due = await lockDue(tx, { tasks, limit: TOGETHER, ids: only.ids });
    if (due.length === 0) return { moved: 0, queues: [] };
    const planned = await Promise.all(due.map((schedule) => plan(lovage, schedule, only.refusal)));
    const first = await recordRuns(
      tx,
      planned.map(({ run }) => run),
    );
    // An occurrence that has its run already, by somebody's hand on next_at, gets no second one.
    const fresh = planned.flatMap(({ task }) => (task?.id !== undefined && first.has(task.id) ? [task] : []));
    if (fresh.length > 0) await traceSendEach(fresh, (traced) => sendTasks(tx, traced));
    return { moved: due.length, queues: fresh.map(({ queue }) => queue) };
  });
  for (const queue of new Set(sent.queues)) lovage.notifier.ready(queue);
  return sent.moved;
}

interface Planned {
  run: Run;
  task?: NewTask;
}

async function plan(
  lovage: Pick<Lovage, 'config' | 'log'>,
  schedule: DueSchedule,
  refusal: string | undefined,
): Promise<Planned> {
  const { id: scheduleId, name, occurrence, isMissed, wasPaused, missed } = schedule;
  const kind = !isMissed ? 'due' : missed === 'once' ? 'made_up' : 'skipped';
  const run: Run = { scheduleId, occurrence, nextAt: null, kind, taskId: null, error: null };
  try {
    run.nextAt = await nextAfter(schedule);
    if (wasPaused) return { run: { ...run, kind: null } };
    if (isMissed) lovage.log.warn({ schedule: name, occurrence, missed }, 'a schedule was missed');
    if (kind === 'skipped') return { run };
    if (refusal !== undefined) throw new Error(refusal);
    const task = await newRun(lovage, schedule, { id: schedule.taskId, createdBy: tagOf(name) });
    return { run: { ...run, taskId: schedule.taskId }, task };
  } catch (error) {
    lovage.log.error({ err: error, schedule: name, occurrence }, 'a schedule could not start its task');
    return { run: { ...run, error: describe(error) } };
  }
}

/** What lies between a missed occurrence and now was missed with it. */
const nextAfter = (schedule: DueSchedule): Promise<Date | null> =>
  nextOccurrence(schedule, schedule.isMissed || schedule.wasPaused ? schedule.now : schedule.occurrence);

function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const faults =
    error instanceof LovageError ? error.faults.map(({ pointer, detail }) => `${pointer} ${detail}`) : [];
  const text = [message, ...faults].join('; ').slice(0, MAX_ERROR);
  return text.replaceAll('\0', '').toWellFormed();
}
