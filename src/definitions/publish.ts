import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Config } from '../config.ts';
import type { Executor } from '../db/connect.ts';
import type { AnyTask, Keeping } from '../task.ts';
import { keepingOf, keepingOfQueues } from './keeping.ts';

/**
 * Writes what this configuration knows about its tasks, so that SQL, forms and documents know it too. `changes` false: only what
 * the database does not know yet.
 */
export async function publishDefinitions(
  executor: Executor,
  config: Config,
  { keeping: byEnvironment = {}, changes = true }: { keeping?: Keeping; changes?: boolean } = {},
): Promise<void> {
  await executor.query(
    `UPDATE lovage.queue_control q SET archive_after_ms = n."archiveAfterMs", retention_ms = n."retentionMs"
     FROM jsonb_to_recordset($1) AS n (queue text, "archiveAfterMs" bigint, "retentionMs" bigint)
     WHERE q.queue = n.queue AND ($2 OR q.archive_after_ms IS NULL) AND (q.archive_after_ms, q.retention_ms) IS DISTINCT FROM (n."archiveAfterMs", n."retentionMs")`,
    [JSON.stringify(keepingOfQueues(config, byEnvironment)), changes],
  );
  const rows = [...config.tasks.values()].map((task) => describe(task, config, byEnvironment));
  await executor.query(
    `INSERT INTO lovage.definition AS d (name, queue, max_attempts, priority, result_ttl_ms, soft_limit_ms, hard_limit_ms, archive_after_ms, retention_ms, policy, input_schema, output_schema, version)
     SELECT n.name, n.queue, n."maxAttempts", n.priority, n."resultTtlMs", n."softLimitMs", n."hardLimitMs", n."archiveAfterMs", n."retentionMs", n.policy, n."inputSchema", n."outputSchema", n.version
     FROM jsonb_to_recordset($1) AS n (name text, queue text, "maxAttempts" int, priority int, "resultTtlMs" bigint, "softLimitMs" int, "hardLimitMs" int, "archiveAfterMs" bigint, "retentionMs" bigint, policy jsonb,
          "inputSchema" jsonb, "outputSchema" jsonb, version text)
     ORDER BY n.name
     ON CONFLICT (name) DO UPDATE
     SET queue = excluded.queue, max_attempts = excluded.max_attempts, priority = excluded.priority,
         result_ttl_ms = excluded.result_ttl_ms, soft_limit_ms = excluded.soft_limit_ms,
         hard_limit_ms = excluded.hard_limit_ms, archive_after_ms = excluded.archive_after_ms,
         retention_ms = excluded.retention_ms, policy = excluded.policy, input_schema = excluded.input_schema,
         output_schema = excluded.output_schema, version = excluded.version, updated_at = now()
     WHERE $2 AND d.version <> excluded.version`,
    [JSON.stringify(rows), changes],
  );
}

function describe(task: AnyTask, { queues }: Config, byEnvironment: Keeping) {
  const known = {
    name: task.name,
    queue: task.queue,
    maxAttempts: task.attempts,
    priority: task.priority,
    softLimitMs: task.softLimitMs,
    hardLimitMs: task.hardLimitMs,
    ...keepingOf(`task definition "${task.name}"`, task, queues.get(task.queue), byEnvironment),
    policy: { backoff: task.backoff, isolation: task.isolation, ...dedupePolicy(task), ...keyPolicy(task) },
    inputSchema: jsonSchema(task.input, 'input'),
    outputSchema: jsonSchema(task.output, 'output'),
  };
  const version = createHash('sha256').update(JSON.stringify(known)).digest('hex').slice(0, 16);
  return { ...known, version };
}

const dedupePolicy = ({ dedupe }: AnyTask) =>
  dedupe && { dedupe: { by: dedupe.key ? 'key' : 'input', withinMs: dedupe.withinMs ?? null } };

/** SQL cannot tell the key of an input, but that there is one. */
const keyPolicy = ({ concurrencyKey }: AnyTask) => concurrencyKey && { concurrencyKey: true };

/** JSON Schema of a zod schema; what JSON Schema cannot say is left open. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  return z.toJSONSchema(schema, { io, unrepresentable: 'any' });
}
