import { sendTasks } from '../../src/queue/send.ts';
import { removeFinalTask } from '../../src/queue/remove.ts';
import { expect, newTask, onConnection, test, until, type JournalLab } from '../journal/journal-lab.ts';

/** A retry that had read a final task before it was removed brought it back, as one that a stranger's job brings. */
async function finalTask(lab: JournalLab): Promise<string> {
  const [row] = await sendTasks(lab.lovage.pool, [newTask({ input: { value: 1 } })]);
  if (!row) throw new Error('nothing was accepted');
  await lab.sql('SELECT lovage.cancel($1)', [row.id]);
  return row.id;
}

test('a task that is being removed cannot be retried: it is gone for the retry too', async ({ lab }) => {
  const id = await finalTask(lab);
  const retried = await onConnection(lab.url, async (removal) => {
    await removal.query('BEGIN');
    expect(await removeFinalTask(removal, { id, queue: 'diag', tenant: 'default' })).toBe(true);
    const retry = lab.sql('SELECT lovage.retry($1) AS answer', [id]);
    await until(async () => (await lab.sql(WAITING)).length > 0);
    await removal.query('COMMIT');
    return retry;
  });
  expect(retried).toEqual([{ answer: 'not_found' }]);
  expect([await lab.task(id), await lab.job(id)]).toEqual([undefined, undefined]);
});

test('a task that is being retried cannot be removed', async ({ lab }) => {
  const id = await finalTask(lab);
  const removed = await onConnection(lab.url, async (retry) => {
    await retry.query('BEGIN');
    await retry.query('SELECT lovage.retry($1)', [id]);
    const removal = removeFinalTask(lab.lovage.pool, { id, queue: 'diag', tenant: 'default' });
    await until(async () => (await lab.sql(WAITING)).length > 0);
    await retry.query('COMMIT');
    return removal;
  });
  expect(removed).toBe(false);
  expect(await lab.task(id)).toMatchObject({ state: 'queued', input: { value: 1 } });
});

const WAITING = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
