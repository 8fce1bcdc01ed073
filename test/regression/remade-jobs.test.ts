import { rescueTasks } from '../../src/worker/lease/rescue.ts';
import { reportAttempts } from '../../src/queue/settle.ts';
import { retryConflicts } from '../../src/db/failures.ts';
import { expect, onConnection, succeeded, test, until, type JournalLab } from '../journal/journal-lab.ts';

/**
 * Whoever waited for the lock of a running job while psql deleted it saw no job afterwards, although the journal had put
 * it back: the worker's outcome was dropped, a cancel came too late, a rescue left the task to a dead worker.
 */
async function whileDeleted<Result>(
  lab: JournalLab,
  id: string,
  work: () => Promise<Result>,
): Promise<Result> {
  return onConnection(lab.url, async (client) => {
    await client.query('BEGIN');
    await client.query('DELETE FROM pgboss.job WHERE id = $1', [id]);
    const working = work();
    await until(async () => {
      const [row] = await lab.sql(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return row !== undefined;
    });
    await client.query('COMMIT');
    return working;
  });
}

test('an outcome that waits for a delete by hand is accepted, as a cancel', async ({ lab }) => {
  const claim = await lab.running();
  const state = await whileDeleted(lab, claim.id, () => retryConflicts(() => lab.settle(claim, succeeded)));

  expect(state).toBe('cancelled');
  expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1', 'cancel_requested 1', 'cancelled 1']);
});

test('a report that waits for a delete by hand is written', async ({ lab }) => {
  const claim = await lab.running();
  const report = {
    id: claim.id,
    attempt: 1,
    progress: null,
    events: [{ type: 'log' as const, data: {}, agoMs: 0 }],
  };
  const mine = await whileDeleted(lab, claim.id, () =>
    retryConflicts(() => reportAttempts(lab.lovage.pool, 'diag', [report])),
  );

  expect(mine).toEqual([claim.id]);
  expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1', 'cancel_requested 1', 'log 1']);
});

test('a cancel that waits for a delete by hand finds the task running', async ({ lab }) => {
  const claim = await lab.running();
  const [answer] = await whileDeleted(lab, claim.id, () =>
    lab.sql('SELECT lovage.cancel($1) AS outcome', [claim.id]),
  );

  expect(answer).toEqual({ outcome: 'requested' });
});

test('the rescue after one that waited for a delete by hand takes the task', async ({ lab }) => {
  const claim = await lab.running();
  await lab.sql(`UPDATE lovage.worker SET heartbeat_at = now() - interval '1 hour', lost_at = NULL`);
  await whileDeleted(lab, claim.id, () => rescueTasks(lab.lovage.pool));
  const rescued = await rescueTasks(lab.lovage.pool);

  expect(rescued.map(({ task_id }) => task_id)).toEqual([claim.id]);
  expect(await lab.task(claim.id)).toMatchObject({ state: 'cancelled' });
});
