import { expect } from 'vitest';
import { keepHouse } from '../../src/archive/keep-house.ts';
import { archiveTasks } from '../../src/archive/move.ts';
import { removeTask } from '../../src/tasks/remove.ts';
import { failed, newTask, onConnection, succeeded, type JournalLab } from '../journal/journal-lab.ts';
import { archiveAll, makeFinal, placesOf } from './archive-lab.ts';
import { done, during, test, waitsForLock } from './archive-steps.ts';

/** A parent whose handler has made one child, both final. */
async function family(lab: JournalLab): Promise<{ parent: string; child: string }> {
  const parent = await lab.running();
  const [made] = await lab.sql<{ child: string }>(
    `SELECT child_id AS child FROM lovage.add_children('diag', $1, $2, $3)`,
    [parent.id, parent.attempt, JSON.stringify([newTask({ parentStep: 'one' })])],
  );
  for (const claim of await lab.claim()) await lab.settle(claim, succeeded);
  await lab.settle(parent, failed);
  await lab.sql('DELETE FROM lovage.task_end');
  return { parent: parent.id, child: made?.child ?? '' };
}

test('a retry that somebody leaves open for long stops nobody who archives other tasks', async ({ lab }) => {
  const first = await done(lab);
  await archiveAll(lab);
  const second = await done(lab);
  await during(lab, 'SELECT lovage.retry($1)', [first], async (commit) => {
    expect((await archiveAll(lab)).moved).toBe(1);
    await commit();
  });
  expect([await placesOf(lab, first), await placesOf(lab, second)]).toEqual([['hot'], ['archive']]);
});

test('a round while another one drops what has expired leaves that to it', async ({ lab }) => {
  await keepHouse(lab.lovage);
  await during(lab, `SELECT FROM lovage.upkeep WHERE subject = 'clock' FOR UPDATE`, [], async () => {
    expect(await keepHouse(lab.lovage)).toMatchObject({ dropped: [], isOver: true });
  });
});

test('a DELETE that comes while its task is moved waits, and removes it from the archive', async ({
  lab,
}) => {
  const id = await done(lab);
  await during(
    lab,
    "SELECT lovage.archive_step('00000000-0000-0000-0000-000000000000')",
    [],
    async (commit) => {
      const removed = removeTask(lab.lovage, lab.caller, id);
      await waitsForLock(lab, 'WITH leftover AS%');
      await commit();
      await removed;
    },
  );
  expect(await placesOf(lab, id)).toEqual([]);
  await expect(lab.get(id)).rejects.toMatchObject({ code: 'task-not-found' });
});

test('a parent that psql runs again finds its archived children, whether it was archived or not', async ({
  lab,
}) => {
  const [archived, hot] = [await family(lab), await family(lab)];
  await lab.sql('UPDATE lovage.task SET finished_at = finished_at + $1::interval WHERE id = $2', [
    '1 hour',
    hot.parent,
  ]);
  await archiveAll(lab);
  expect(await Promise.all([hot.parent, hot.child].map((id) => placesOf(lab, id)))).toEqual([
    ['hot'],
    ['archive'],
  ]);
  for (const { parent, child } of [archived, hot]) {
    await lab.byHand(`INSERT INTO pgboss.job (id, name) VALUES ('${parent}', 'diag')`);
    expect([await placesOf(lab, parent), await placesOf(lab, child)]).toEqual([['hot'], ['hot']]);
  }
});

test('children are found whose parent’s id is of a clock that was hours ahead', async ({ lab }) => {
  const { parent, child } = await family(lab);
  const [row] = await lab.sql<{ id: string }>(
    'SELECT lovage.uuid_v7_at((extract(epoch FROM now()) * 1000000 + 7200000000)::bigint) AS id',
  );
  const ahead = row?.id ?? '';
  await lab.unseen(
    `UPDATE lovage.task SET id = '${ahead}' WHERE id = '${parent}'; UPDATE lovage.task_event SET task_id = '${ahead}' WHERE task_id = '${parent}';
     UPDATE lovage.task SET parent_id = '${ahead}' WHERE id = '${child}'; UPDATE lovage.task SET finished_at = now() + interval '1 hour' WHERE id = '${ahead}'`,
  );
  await archiveAll(lab);
  expect(await placesOf(lab, child)).toEqual(['archive']);
  expect(await lab.sql('SELECT lovage.retry($1) AS said', [ahead])).toEqual([{ said: 'queued' }]);
  expect(await placesOf(lab, child)).toEqual(['hot']);
});

test('a task that is kept for its result finds its partition, whatever time zone the database has', async ({
  lab,
}) => {
  await makeFinal(lab, 1);
  // Two in the morning in Greenwich is still the day before in New York.
  await lab.sql(
    `INSERT INTO lovage.task_result SELECT id, '1', date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + interval '300 days 2 hours' FROM lovage.task`,
  );
  await onConnection(lab.url, async (client) => {
    await client.query("SET timezone = 'America/New_York'");
    expect(await archiveTasks(client)).toMatchObject({ moved: 1, held: 0 });
  });
  await lab.unseen('DELETE FROM lovage.task_result; DELETE FROM lovage.task_archive');
});
