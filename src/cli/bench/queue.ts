import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Config } from '../../config.ts';
import { inTransaction } from '../../db/in-transaction.ts';
import { underMigrationLock } from '../../db/migrate.ts';
import type { Lovage } from '../../lovage.ts';
import { declareQueues } from '../../queue/declare.ts';
import { defineTask } from '../../task.ts';

const PREFIX = 'lovage_bench_';

/** The configuration with one queue more, and a task in it that does nothing. */
export function withBench(config: Config) {
  const queue = `${PREFIX}${randomBytes(4).toString('hex')}`;
  const task = defineTask({
    name: `${queue}.noop`,
    queue,
    input: z.object({}),
    output: z.null(),
    run: () => null,
  });
  const tasks = new Map([...config.tasks, [task.name, task] as const]);
  return {
    queue,
    task: task.name,
    config: { ...config, queues: new Map([...config.queues, [queue, {}]]), tasks },
  };
}

/** Makes the queue, as every start makes those of its configuration. */
export async function openBenchQueue(url: string, config: Config, queue: string): Promise<void> {
  await underMigrationLock(url, async (client) => {
    await declareQueues(client, { queues: new Map([[queue, {}]]), tasks: config.tasks });
  });
}

/** The queues of benchmarks that nobody runs any more: none of their workers lives. */
export async function removeLeftovers({ pool }: Pick<Lovage, 'pool'>): Promise<void> {
  const { rows } = await pool.query<{ queue: string }>(
    `SELECT q.queue FROM lovage.queue_control q
     WHERE q.queue LIKE $1 AND q.created_at < now() - interval '1 minute' AND NOT EXISTS (
       SELECT FROM lovage.worker w WHERE q.queue = ANY (w.queues) AND w.stopped_at IS NULL AND w.lost_at IS NULL
         AND w.heartbeat_at > now() - interval '15 s')`,
    [`${PREFIX.replaceAll('_', '\\_')}%`],
  );
  for (const { queue } of rows) await removeBenchQueue(pool, queue);
}

/** The queue and all that was in it, as if it had never been. */
export async function removeBenchQueue(pool: Lovage['pool'], queue: string): Promise<void> {
  if (!queue.startsWith(PREFIX)) throw new Error(`"${queue}" is no queue of a benchmark`);
  await inTransaction(pool, async (tx) => {
    // In the order of the house: jobs, then tasks. The journal ends what is left of them.
    await tx.query('DELETE FROM pgboss.job WHERE name = $1', [queue]);
    const { rows } = await tx.query<{ ids: string[] }>(
      `SELECT coalesce(array_agg(t.id), '{}') AS ids FROM (SELECT id FROM lovage.task WHERE queue = $1 ORDER BY id FOR UPDATE) t`,
      [queue],
    );
    const ids = [rows[0]?.ids ?? []];
    for (const table of ['task_event', 'task_result', 'task_progress']) {
      await tx.query(`DELETE FROM lovage.${table} WHERE task_id = ANY ($1)`, ids);
    }
    await tx.query('DELETE FROM lovage.task WHERE id = ANY ($1)', ids);
    await tx.query('SELECT pgboss.delete_queue($1)', [queue]);
    await tx.query('DELETE FROM lovage.queue_control WHERE queue = $1', [queue]);
    await tx.query(
      'DELETE FROM lovage.worker WHERE $1 = ANY (queues) AND (stopped_at IS NOT NULL OR lost_at IS NOT NULL)',
      [queue],
    );
  });
}
