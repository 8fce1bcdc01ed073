import type { Config } from '../config.ts';
import type { Executor } from '../db/connect.ts';
import { SetupError } from '../errors.ts';
import { startBoss, stopBoss } from './boss.ts';
import { limitQueues } from './limit.ts';

// pg-boss's own limits are set so that they never decide anything, whoever runs its supervisor.
const NEVER_DECIDES = {
  policy: 'standard',
  partition: true,
  // Its own retry adds one to it.
  retryLimit: 1_000_000_000,
  expireInSeconds: 2_147_483_647,
  retentionSeconds: 2_147_483_647,
  deleteAfterSeconds: 0,
};

/** Makes pg-boss's schema or brings it up to date. Runs under the migration lock. */
export async function migrateBoss(executor: Executor): Promise<void> {
  await stopBoss(await startBoss(executor, { migrate: true }));
}

/**
 * Declares queues: each gets a partition of pg-boss's job table, the journal's triggers and an index of its delayed
 * jobs, all in one transaction. Runs under the migration lock; queues that exist stay as they are, and one that was dropped
 * behind our back comes back with the jobs of its tasks. Their limits are those of the configuration; with `changes` false only
 * those of queues that are new.
 */
export async function declareQueues(
  executor: Executor,
  config: Pick<Config, 'queues' | 'tasks'>,
  { changes = true }: { changes?: boolean } = {},
): Promise<void> {
  await executor.query("SELECT lovage.attach_journal('job')");
  const { rows } = await executor.query<{ queue: string; isLive: boolean }>(
    `SELECT c.queue, l.queue IS NOT NULL AND b.name IS NOT NULL AS "isLive" FROM lovage.queue_control c
     LEFT JOIN lovage.live_queues() l ON l.queue = c.queue LEFT JOIN pgboss.queue b ON b.name = c.queue`,
  );
  const known = new Map(rows.map(({ queue, isLive }) => [queue, isLive]));
  for (const queue of config.queues.keys()) {
    if (!known.get(queue)) await declareQueue(executor, queue, { isBack: known.has(queue) });
  }
  await limitQueues(executor, config, changes ? new Map() : known);
}

async function declareQueue(
  executor: Executor,
  queue: string,
  { isBack }: { isBack: boolean },
): Promise<void> {
  await executor.query('BEGIN');
  try {
    // Of a queue that somebody dropped, what is left goes: its tasks are there, and reconcile() gives them new jobs.
    await executor.query('DELETE FROM pgboss.job_common WHERE name = $1', [queue]);
    await executor.query(
      `DELETE FROM pgboss.queue WHERE name = $1 AND partition AND to_regclass(format('pgboss.%I', table_name)) IS NULL`,
      [queue],
    );
    await executor.query('SELECT pgboss.create_queue($1, $2)', [queue, JSON.stringify(NEVER_DECIDES)]);
    const { rows } = await executor.query<{ table_name: string; partition: boolean }>(
      'SELECT table_name, partition FROM pgboss.queue WHERE name = $1',
      [queue],
    );
    const [made] = rows;
    if (!made?.partition) {
      throw new SetupError(
        `queue "${queue}" exists in pg-boss without a partition of its own: choose another name`,
      );
    }
    await executor.query('SELECT lovage.attach_journal($1)', [made.table_name]);
    // Only delayed and retried jobs are in it: sending and claiming work that is due costs nothing here.
    await executor.query(
      `CREATE INDEX IF NOT EXISTS "${made.table_name}_due" ON pgboss."${made.table_name}" (start_after)
       WHERE state < 'active' AND start_after > created_on`,
    );
    await executor.query('SELECT lovage.tune_queue($1)', [made.table_name]);
    await executor.query(
      'INSERT INTO lovage.queue_control (queue, job_table) VALUES ($1, $2) ON CONFLICT (queue) DO UPDATE SET job_table = excluded.job_table',
      [queue, made.table_name],
    );
    // In the same commit: an outcome that comes in between would find the table, but no job to settle.
    if (isBack) await executor.query('SELECT count(*) FROM lovage.reconcile()');
    await executor.query('COMMIT');
  } catch (error) {
    await executor.query('ROLLBACK');
    throw error;
  }
}
