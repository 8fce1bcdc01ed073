import type { Config } from '../config.ts';
import type { Executor } from '../db/connect.ts';

interface Limits {
  maxRunning: number | null;
  maxPerKey: number | null;
  rateLimit: number | null;
  ratePeriodMs: number | null;
}

/**
 * Writes the limits of declared queues where they are not yet as the configuration has them, or as an operator set them. Those in
 * `leaving` keep what they have.
 * Whether a queue is paused is its operators' to say. Runs under the migration lock.
 */
export async function limitQueues(
  executor: Executor,
  config: Pick<Config, 'queues' | 'tasks'>,
  leaving: ReadonlyMap<string, unknown>,
): Promise<void> {
  const { rows } = await executor.query<
    Limits & { queue: string; isByHand: boolean; countsRunning: boolean; knowsKeys: boolean }
  >(
    `SELECT queue, max_running AS "maxRunning", max_per_key AS "maxPerKey", rate_limit AS "rateLimit",
            rate_period_ms AS "ratePeriodMs", limited_at IS NOT NULL AS "isByHand",
            to_regclass(format('pgboss.%I', job_table || '_busy')) IS NOT NULL AS "countsRunning",
            to_regclass(format('pgboss.%I', job_table || '_key')) IS NOT NULL AS "knowsKeys"
     FROM lovage.queue_control WHERE queue = ANY ($1)`,
    [[...config.queues.keys()]],
  );
  for (const { queue, isByHand, countsRunning, knowsKeys, ...current } of rows) {
    const isLeft = isByHand || leaving.has(queue);
    const { maxRunning, maxPerKey, rateLimit, ratePeriodMs } = isLeft ? current : limitsOf(config, queue);
    const isAsWanted =
      current.maxRunning === maxRunning &&
      current.maxPerKey === maxPerKey &&
      current.rateLimit === rateLimit &&
      current.ratePeriodMs === ratePeriodMs &&
      // A queue that was dropped and came back has its limits still, and lost its indexes.
      countsRunning === (maxRunning !== null || maxPerKey !== null) &&
      knowsKeys === (maxPerKey !== null);
    if (isAsWanted) continue;
    await executor.query('SELECT lovage.set_limits($1, $2, $3, $4, $5)', [
      queue,
      maxRunning,
      maxPerKey,
      rateLimit,
      ratePeriodMs,
    ]);
  }
}

export function limitsOf({ queues, tasks }: Pick<Config, 'queues' | 'tasks'>, queue: string): Limits {
  const { clusterConcurrency, perKey, rate } = queues.get(queue) ?? {};
  const hasKeys = [...tasks.values()].some((task) => task.queue === queue && task.concurrencyKey);
  return {
    maxRunning: clusterConcurrency ?? null,
    maxPerKey: perKey ?? (hasKeys ? 1 : null),
    rateLimit: rate?.limit ?? null,
    ratePeriodMs: rate?.periodMs ?? null,
  };
}
