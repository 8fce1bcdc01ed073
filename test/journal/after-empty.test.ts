import { expect } from 'vitest';
import { sendTasks } from '../../src/queue/send.ts';
import { newTask, onConnection, test } from './journal-lab.ts';

const TASKS = 1_000;

test.for(['check_invariants', 'reconcile'])(
  'after a burst into tables that were analysed while they were empty, %s() reads them a few times over and not once a row',
  async (verb, { lab }) => {
    const burst = () =>
      sendTasks(
        lab.lovage.pool,
        Array.from({ length: TASKS }, () => newTask()),
      );
    await burst();
    await lab.unseen('DELETE FROM pgboss.job; DELETE FROM lovage.task; DELETE FROM lovage.task_event');
    await lab.sql('VACUUM (TRUNCATE false, ANALYZE)');
    await burst();
    await lab.claim(TASKS / 2);
    await onConnection(lab.url, async (client) => {
      await client.query('BEGIN');
      expect((await client.query(`SELECT * FROM lovage.${verb}()`)).rows).toEqual([]);
      const { rows } = await client.query<{ read: number }>(
        `SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::float8 AS read FROM pg_stat_xact_all_tables
         WHERE schemaname IN ('lovage', 'pgboss')`,
      );
      expect(rows[0]?.read).toBeGreaterThan(TASKS);
      expect(rows[0]?.read).toBeLessThan(60 * TASKS);
      await client.query('COMMIT');
    });
  },
);
