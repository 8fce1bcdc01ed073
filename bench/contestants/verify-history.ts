import type pg from 'pg';

/**
 * A drain counts only if nothing is missing: every task succeeded at its first attempt, with its three events in
 * order and its result, and every invariant holds. @throws Error naming what is missing.
 */
export async function verifyHistory(client: pg.Client, tasks: number): Promise<void> {
  const { rows } = await client.query<Record<string, number>>(
    `SELECT (SELECT count(*)::int FROM lovage.task) AS tasks,
            (SELECT count(*)::int FROM lovage.task WHERE state = 'succeeded' AND attempt = 1 AND events = 3) AS succeeded,
            (SELECT count(*)::int FROM lovage.task_result) AS results,
            (SELECT count(*)::int FROM lovage.task_event) AS events,
            (SELECT count(*)::int FROM lovage.task_event
             WHERE (number, type) IN ((1, 'queued'), (2, 'started'), (3, 'succeeded'))) AS expected_events`,
  );
  const expected = { tasks, succeeded: tasks, results: tasks, events: 3 * tasks, expected_events: 3 * tasks };
  const [found] = rows;
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(
      `after the drain there should be ${JSON.stringify(expected)}, not ${JSON.stringify(found)}`,
    );
  }
  const { rows: broken } = await client.query('SELECT * FROM lovage.check_invariants() LIMIT 3');
  if (broken.length > 0) throw new Error(`an invariant is broken: ${JSON.stringify(broken)}`);
}
