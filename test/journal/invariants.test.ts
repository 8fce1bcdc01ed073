import { randomUUID } from 'node:crypto';
import { noop } from '../../packs/diag/tasks.ts';
import { expect, handedBack, succeeded, test, type JournalLab } from './journal-lab.ts';

interface Violation {
  invariant: string;
  task_id: string;
  detail: string;
}

const queued = async (lab: JournalLab) => (await lab.enqueue(noop, {})).id;
const running = async (lab: JournalLab) => (await lab.running()).id;
const done = async (lab: JournalLab) => {
  const claim = await lab.running();
  await lab.settle(claim, succeeded);
  return claim.id;
};
const secondAttempt = async (lab: JournalLab) => {
  const claim = await lab.running();
  await lab.settle(claim, handedBack);
  await lab.claim();
  return claim.id;
};
/** An event past the last one, counted by the task, as the journal writes them. */
const addEvent = (type: string, attempt: number, data = '{}') => `
  UPDATE lovage.task SET events = events + 1 WHERE id = :id;
  INSERT INTO lovage.task_event (task_id, number, type, attempt, data)
  SELECT id, events, '${type}', ${attempt}, '${data}' FROM lovage.task WHERE id = :id`;

/** What is broken by hand, in which task, and how the check names it. */
const breaks: Record<
  string,
  [make: (lab: JournalLab) => Promise<string>, sql: string, invariant: string, detail: RegExp]
> = {
  'a queued task without a job': [
    queued,
    'DELETE FROM pgboss.job WHERE id = :id',
    'one-job-per-task',
    /queued in queue diag but has no job/,
  ],
  'a running task without a job': [
    running,
    'DELETE FROM pgboss.job WHERE id = :id',
    'one-job-per-task',
    /running in queue diag but has no job/,
  ],
  'a task whose job psql finished unseen': [
    queued,
    `UPDATE pgboss.job SET state = 'completed' WHERE id = :id`,
    'one-job-per-task',
    /has no job/,
  ],
  'a task that waits though its job runs': [
    queued,
    `UPDATE pgboss.job SET state = 'active' WHERE id = :id`,
    'one-job-per-task',
    /task is queued but its job is active/,
  ],
  'a task that runs though its job waits': [
    running,
    `UPDATE pgboss.job SET state = 'created' WHERE id = :id`,
    'one-job-per-task',
    /task is running but its job is created/,
  ],
  'a task that runs though its job is to be retried': [
    running,
    `UPDATE pgboss.job SET state = 'retry' WHERE id = :id`,
    'one-job-per-task',
    /task is running but its job is retry/,
  ],
  'a final task with a live job': [
    done,
    `INSERT INTO pgboss.job (id, name, state) VALUES (:id, 'diag', 'created')`,
    'one-job-per-task',
    /task is succeeded but its job is created/,
  ],
  'a job without a task': [
    queued,
    'DELETE FROM lovage.task WHERE id = :id; DELETE FROM lovage.task_event WHERE task_id = :id',
    'one-job-per-task',
    /job in queue diag has no task/,
  ],
  'a task that two jobs carry': [
    queued,
    `INSERT INTO pgboss.job (id, name) VALUES (:id, 'spare')`,
    'one-job-per-task',
    /2 jobs carry the task/,
  ],
  'a running job at another number than its task': [
    running,
    'UPDATE pgboss.job SET retry_count = 4 WHERE id = :id',
    'one-job-per-task',
    /attempt is 1 but the running job is at 5/,
  ],
  'two starts of one attempt': [
    running,
    addEvent('started', 1),
    'one-settle-per-attempt',
    /attempt 1 has 2 starts and 0 ends/,
  ],
  'two ends of one attempt': [
    secondAttempt,
    addEvent('retrying', 1),
    'one-settle-per-attempt',
    /attempt 1 has 1 starts and 2 ends/,
  ],
  'a rescue and an end of one attempt': [
    secondAttempt,
    addEvent('rescued', 1, '{"by": "lovage"}'),
    'one-settle-per-attempt',
    /attempt 1 has 1 starts and 2 ends/,
  ],
  'an attempt that starts before the last one ended': [
    running,
    addEvent('started', 2),
    'one-settle-per-attempt',
    /attempt 2 started while attempt 1 had not ended/,
  ],
  'a history with a gap': [
    running,
    'DELETE FROM lovage.task_event WHERE task_id = :id AND number = 1',
    'event-numbers',
    /counts 2 events, history has 1 up to number 2/,
  ],
  'a history whose end is missing': [
    running,
    'DELETE FROM lovage.task_event WHERE task_id = :id AND number = 2',
    'event-numbers',
    /counts 2 events, history has 1 up to number 1/,
  ],
  'a task without a history': [
    queued,
    'DELETE FROM lovage.task_event WHERE task_id = :id',
    'event-numbers',
    /counts 1 events, history has 0/,
  ],
  'a history that is longer than counted': [
    queued,
    'UPDATE lovage.task SET events = 0 WHERE id = :id',
    'event-numbers',
    /counts 0 events, history has 1/,
  ],
  'an event after the final one': [
    done,
    addEvent('progress', 1),
    'event-numbers',
    /event 4 \(progress\) comes after the final event/,
  ],
  'a start after the final event': [
    done,
    addEvent('started', 2),
    'event-numbers',
    /event 4 \(started\) comes after the final event/,
  ],
  'a final task whose history ends otherwise': [
    done,
    `UPDATE lovage.task_event SET type = 'log' WHERE task_id = :id AND number = 3`,
    'event-numbers',
    /task is succeeded but its last transition says log/,
  ],
  'a result of a task that has not succeeded': [
    running,
    `INSERT INTO lovage.task_result (task_id, output, expires_at) VALUES (:id, '1', now() + interval '1 day')`,
    'results',
    /a result is stored but the task is running/,
  ],
  'a result of no task': [
    done,
    'DELETE FROM lovage.task WHERE id = :id; DELETE FROM lovage.task_event WHERE task_id = :id',
    'results',
    /a result is stored but the task is gone/,
  ],
  'a success whose result is missing': [
    done,
    'DELETE FROM lovage.task_result WHERE task_id = :id',
    'results',
    /result is missing before its time/,
  ],
};

test.for(Object.entries(breaks))('%s is caught', async ([, [make, sql, invariant, detail]], { lab }) => {
  const other = await running(lab);
  const id = await make(lab);
  expect(await lab.violations()).toEqual([]);
  await lab.unseen(sql.replaceAll(':id', `'${id}'`));

  const found = (await lab.violations()) as Violation[];
  expect(found).toContainEqual({ invariant, task_id: id, detail: expect.stringMatching(detail) });
  expect(found.filter(({ task_id }) => task_id === other)).toEqual([]);
  await lab.unseen(forget(id));
});

test('a result past its time may be gone or there', async ({ lab }) => {
  const claim = await lab.running();
  await lab.settle(claim, succeeded);
  await lab.unseen(`UPDATE lovage.task SET finished_at = now() - interval '2 minutes', result_ttl_ms = 60000 WHERE id = '${claim.id}';
    UPDATE lovage.task_result SET expires_at = now() - interval '1 minute' WHERE task_id = '${claim.id}'`);
  expect(await lab.violations()).toEqual([]);
  await lab.unseen(`DELETE FROM lovage.task_result WHERE task_id = '${claim.id}'`);

  expect(await lab.violations()).toEqual([]);
});

test('the database itself refuses a final task without an end, and an end of a task that is not final', async ({
  lab,
}) => {
  const id = await running(lab);

  await expect(lab.sql(`UPDATE lovage.task SET state = 'failed' WHERE id = $1`, [id])).rejects.toThrow(
    'task_final_has_time',
  );
  await expect(lab.sql('UPDATE lovage.task SET finished_at = now() WHERE id = $1', [id])).rejects.toThrow(
    'task_final_has_time',
  );
  await expect(
    lab.sql(`INSERT INTO lovage.task_event (task_id, number, type, attempt) VALUES ($1, 1, 'log', 1)`, [id]),
  ).rejects.toThrow('task_event_task_id_number_pk');
  await expect(
    lab.sql(`INSERT INTO lovage.task_event (task_id, number, type, attempt) VALUES ($1, 0, 'log', 1)`, [
      randomUUID(),
    ]),
  ).rejects.toThrow('task_event_numbered');
});

const forget = (id: string) =>
  [
    'pgboss.job WHERE id',
    'lovage.task WHERE id',
    'lovage.task_event WHERE task_id',
    'lovage.task_result WHERE task_id',
  ]
    .map((rows) => `DELETE FROM ${rows} = '${id}'`)
    .join(';');
