import { sendTasks } from '../../src/queue/send.ts';
import {
  newTask,
  onConnection,
  succeeded,
  test as base,
  until,
  type JournalLab,
} from '../journal/journal-lab.ts';
import { archiveAtOnce } from './archive-lab.ts';

/** Each test starts with an empty archive, and everything final is due for it. */
export const test = base.extend<{ due: void }>({
  due: [
    async ({ lab }, use) => {
      await lab.unseen('DELETE FROM lovage.task_archive; DELETE FROM lovage.task_callback');
      await archiveAtOnce(lab);
      await use();
    },
    { auto: true },
  ],
});

/** A task of `diag.noop` that has succeeded. */
export async function done(lab: JournalLab, change = {}): Promise<string> {
  const [row] = await sendTasks(lab.lovage.pool, [newTask(change)]);
  const [claim] = (await lab.claim()).filter(({ id }) => id === row?.id);
  if (!claim) throw new Error('it was not handed out');
  await lab.settle(claim, succeeded);
  return claim.id;
}

/** Something that happens while a transaction of another connection is open. */
export async function during<Result>(
  lab: JournalLab,
  sql: string,
  values: unknown[],
  work: (end: () => Promise<void>) => Promise<Result>,
) {
  return onConnection(lab.url, async (client) => {
    await client.query('BEGIN');
    await client.query(sql, values);
    return work(async () => void (await client.query('COMMIT')));
  });
}

export const waitsForLock = (lab: JournalLab, like: string) =>
  until(
    async () =>
      (await lab.sql(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1`, [like]))
        .length > 0,
  );
