import type { Executor } from './connect.ts';

/**
 * What one call of an SQL function returns, made in somebody's name: history and `paused_by` show it. The function's own
 * parameters begin at `$2`.
 */
export async function callAs<Value>(
  executor: Executor,
  actor: string,
  call: string,
  values: readonly unknown[],
): Promise<Value> {
  const { rows } = await executor.query<{ value: Value }>(
    // Materialized, so that the actor is set before the function runs.
    `WITH who AS MATERIALIZED (SELECT set_config('lovage.actor', $1, true) AS actor)
     SELECT ${call} AS value FROM who WHERE who.actor IS NOT NULL`,
    [actor, ...values],
  );
  const [row] = rows;
  if (!row) throw new Error(`${call} returned nothing`);
  return row.value;
}
