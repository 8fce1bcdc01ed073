-- What belongs together, and who is told of its end.

ALTER TABLE lovage.api_key
  ADD CONSTRAINT api_key_rate CHECK (rate_limit > 0 AND rate_period_ms > 0 AND (rate_limit IS NULL) = (rate_period_ms IS NULL));
--> statement-breakpoint
ALTER TABLE lovage.schedule
  ADD CONSTRAINT schedule_kind CHECK (kind IN ('cron', 'rrule')),
  ADD CONSTRAINT schedule_missed CHECK (missed IN ('skip', 'once')),
  ADD CONSTRAINT schedule_source CHECK (source IN ('config', 'api'));
--> statement-breakpoint
-- Accepts tasks: `tasks` is an array of {id?, tenant, name, queue, priority, maxAttempts, resultTtlMs, softLimitMs?,
-- hardLimitMs?, concurrencyKey?, input, tags, createdBy, delayMs?, dueAt?, batchId?, parentId?, parentStep?,
-- callback? {url, secret?: base64 of its encrypted form}}. Task rows are written here, since only here the input is at
-- hand; their events and all that follows are the journal's.
CREATE OR REPLACE FUNCTION lovage.add_tasks(tasks jsonb) RETURNS SETOF lovage.task
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM set_config('lovage.adding', 'on', true);
  RETURN QUERY
  WITH added AS (
    INSERT INTO lovage.task (id, tenant, name, queue, priority, max_attempts, result_ttl_ms, soft_limit_ms,
                             hard_limit_ms, input, tags, created_by, concurrency_key, created_at, due_at, events,
                             batch_id, parent_id, parent_step, notifies)
    SELECT coalesce(n.id, lovage.uuid_v7()), coalesce(n.tenant, 'default'), n.name, n.queue, coalesce(n.priority, 0),
           coalesce(n."maxAttempts", 3), coalesce(n."resultTtlMs", 86400000), n."softLimitMs", n."hardLimitMs", n.input,
           coalesce(n.tags, '{}'), n."createdBy", n."concurrencyKey", now(),
           greatest(now(), coalesce(n."dueAt", now() + coalesce(n."delayMs", 0) * interval '1 ms')), 1,
           n."batchId", n."parentId", n."parentStep",
           n.callback IS NOT NULL OR EXISTS (
             SELECT FROM lovage.webhook_endpoint e
             WHERE e.tenant = coalesce(n.tenant, 'default') AND e.disabled_at IS NULL
               AND (e.actor IS NULL OR e.actor = n."createdBy"))
    FROM jsonb_to_recordset(tasks) AS n (id uuid, tenant text, name text, queue text, priority int, "maxAttempts" int,
         "resultTtlMs" bigint, "softLimitMs" int, "hardLimitMs" int, input jsonb, tags text[], "createdBy" text,
         "concurrencyKey" text, "dueAt" timestamptz, "delayMs" double precision, "batchId" uuid, "parentId" uuid,
         "parentStep" text, callback jsonb)
    RETURNING *
  ), sent AS (
    -- Kept for ever, but not to infinity, from which pg-boss's own update() subtracts: Postgres cannot before 17.
    INSERT INTO pgboss.job (id, name, data, priority, retry_limit, expire_seconds, singleton_key, start_after,
                            created_on, keep_until, policy)
    SELECT a.id, a.queue, jsonb_build_object('name', a.name), a.priority, 1000000000, 2147483647, a.concurrency_key,
           a.due_at, a.created_at, '9999-01-01', 'standard'
    FROM added a
  ), told AS (
    -- A callback comes only with an id: the rows returned are in no order.
    INSERT INTO lovage.task_callback (task_id, url, secret)
    SELECT n.id, n.callback ->> 'url', decode(n.callback ->> 'secret', 'base64')
    FROM jsonb_to_recordset(tasks) AS n (id uuid, callback jsonb)
    WHERE n.callback IS NOT NULL
  )
  SELECT * FROM added;
  PERFORM set_config('lovage.adding', '', true);
END
$$;
