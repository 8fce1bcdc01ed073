-- What monitoring reads of the database, and what a task remembers of the call that made it.

-- Both are null for most tasks, and cost those nothing: a row has its null bits anyway.
ALTER TABLE lovage.task ADD COLUMN "trace" text, ADD COLUMN "request_id" text;
--> statement-breakpoint
-- As in 0011, with trace? (W3C traceparent and, after a blank, tracestate) and requestId? of the call that makes the task.
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
                             batch_id, parent_id, parent_step, notifies, trace, request_id)
    SELECT coalesce(n.id, lovage.uuid_v7()), coalesce(n.tenant, 'default'), n.name, n.queue, coalesce(n.priority, 0),
           coalesce(n."maxAttempts", 3), coalesce(n."resultTtlMs", 86400000), n."softLimitMs", n."hardLimitMs", n.input,
           coalesce(n.tags, '{}'), n."createdBy", n."concurrencyKey", now(),
           greatest(now(), coalesce(n."dueAt", now() + coalesce(n."delayMs", 0) * interval '1 ms')), 1,
           n."batchId", n."parentId", n."parentStep",
           n.callback IS NOT NULL OR EXISTS (
             SELECT FROM lovage.webhook_endpoint e
             WHERE e.tenant = coalesce(n.tenant, 'default') AND e.disabled_at IS NULL
               AND (e.actor IS NULL OR e.actor = n."createdBy")),
           n.trace, n."requestId"
    FROM jsonb_to_recordset(tasks) AS n (id uuid, tenant text, name text, queue text, priority int, "maxAttempts" int,
         "resultTtlMs" bigint, "softLimitMs" int, "hardLimitMs" int, input jsonb, tags text[], "createdBy" text,
         "concurrencyKey" text, "dueAt" timestamptz, "delayMs" double precision, "batchId" uuid, "parentId" uuid,
         "parentStep" text, callback jsonb, trace text, "requestId" text)
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
    -- Few have one, and taking a list of inputs apart a second time costs as much as the first.
    FROM jsonb_to_recordset(CASE WHEN jsonb_path_exists(tasks, '$[*].callback') THEN tasks ELSE '[]' END) AS n (id uuid, callback jsonb)
    WHERE n.callback IS NOT NULL
  )
  SELECT * FROM added;
  PERFORM set_config('lovage.adding', '', true);
END
$$;
--> statement-breakpoint
-- 2 MB of HTML take pglz as long to compress as everything else that is done to accept them; lz4 is through in a fraction of that.
-- Without it, as in the embedded Postgres, inputs are kept as they are until their tasks are archived.
DO $$
BEGIN
  ALTER TABLE lovage.task ALTER COLUMN input SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
  ALTER TABLE lovage.task ALTER COLUMN input SET STORAGE EXTERNAL;
END
$$;
--> statement-breakpoint
-- As add_task_once(), for a task whose large input comes apart, as JSON: what is in `tasks` is copied at every step.
CREATE FUNCTION lovage.add_large_task(task jsonb, once jsonb, input text, OUT outcome text, OUT answer lovage.task)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  accepted record;
BEGIN
  SELECT * INTO accepted FROM lovage.add_task_once(task, once);
  outcome := accepted.outcome;
  answer := accepted.answer;
  IF outcome = 'added' THEN
    UPDATE lovage.task t SET input = add_large_task.input::jsonb WHERE t.id = answer.id;
  END IF;
END
$$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION lovage.add_large_task(jsonb, jsonb, text) FROM PUBLIC;
--> statement-breakpoint
-- As in 0015; a delivery goes on with the trace of the task that it tells of, or of a batch's first task.
CREATE OR REPLACE FUNCTION lovage.add_delivery_tasks(ids uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
  deliveries jsonb;
BEGIN
  -- The class of this error says that it passes: whoever settles tries again, and nothing is lost.
  IF NOT EXISTS (SELECT FROM lovage.queue_control q
                 WHERE q.queue = 'lovage' AND to_regclass(format('pgboss.%I', q.job_table)) IS NOT NULL) THEN
    RAISE EXCEPTION 'the queue "lovage", which delivers webhooks, is gone; lovage migrate brings it back'
    USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  SELECT jsonb_agg(jsonb_build_object(
           'id', d.id, 'tenant', d.tenant, 'name', 'lovage.deliverWebhook', 'queue', 'lovage', 'maxAttempts', 10,
           'input', '{}'::jsonb, 'createdBy', 'lovage', 'trace', told.trace, 'requestId', told.request_id,
           'concurrencyKey', left(d.tenant || ' ' || substring(d.url FROM '^https?://([^/?#]+)'), 200)))
  INTO deliveries
  FROM lovage.webhook_delivery d
  LEFT JOIN LATERAL (
    SELECT t.trace, t.request_id FROM lovage.task t
    WHERE t.id = coalesce(d.task_id, (SELECT m.id FROM lovage.task m WHERE m.batch_id = d.batch_id ORDER BY m.id LIMIT 1))) told ON true
  WHERE d.id = ANY (ids);
  PERFORM lovage.add_tasks(deliveries);
  PERFORM pg_notify('lovage_ready', 'lovage');
END
$$;
--> statement-breakpoint
-- All else that monitoring reads, in one row. Lost are workers of the last 15 minutes; late is a schedule 30 seconds past its time.
CREATE FUNCTION lovage.cluster_metrics(at_most int DEFAULT 10000)
RETURNS TABLE (workers_live int, workers_draining int, workers_lost int, slots bigint, waiting bigint, schedules_late int,
               schedule_late_seconds double precision, webhook_backlog bigint, oldest_transaction_seconds double precision,
               xmin_age bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  deliveries text := (SELECT q.job_table FROM lovage.live_queues() q WHERE q.queue = 'lovage');
BEGIN
  SELECT count(*) FILTER (WHERE NOT w.draining AND w.heartbeat_at > now() - interval '15 s'),
         count(*) FILTER (WHERE w.draining AND w.heartbeat_at > now() - interval '15 s'),
         coalesce(sum(w.slots) FILTER (WHERE NOT w.draining AND w.heartbeat_at > now() - interval '15 s'), 0)
  INTO workers_live, workers_draining, slots
  FROM lovage.worker w WHERE w.stopped_at IS NULL AND w.lost_at IS NULL;
  SELECT count(*) INTO workers_lost FROM lovage.worker w
  WHERE w.stopped_at IS NULL AND w.heartbeat_at <= now() - interval '15 s' AND coalesce(w.lost_at, w.heartbeat_at) > now() - interval '15 minutes'
     OR w.stopped_at IS NULL AND w.lost_at > now() - interval '15 minutes' AND w.heartbeat_at > now() - interval '15 s';
  SELECT count(*) INTO waiting FROM (SELECT FROM lovage.task_wait LIMIT at_most) w;
  SELECT count(*), coalesce(extract(epoch FROM now() - min(s.next_at)), 0) INTO schedules_late, schedule_late_seconds
  FROM lovage.schedule s WHERE s.paused_at IS NULL AND s.next_at < now() - interval '30 s';
  webhook_backlog := 0;
  IF deliveries IS NOT NULL THEN
    EXECUTE format('SELECT count(*) FROM (SELECT FROM pgboss.%I j WHERE j.name = ''lovage'' AND j.state < ''active'' AND NOT j.blocked
                    AND j.data ->> ''name'' = ''lovage.deliverWebhook'' LIMIT $1) d', deliveries)
    INTO webhook_backlog USING at_most;
  END IF;
  SELECT coalesce(max(extract(epoch FROM now() - a.xact_start)), 0), max(greatest(age(a.backend_xid), age(a.backend_xmin)))
  INTO oldest_transaction_seconds, xmin_age
  FROM pg_stat_activity a WHERE a.datname = current_database() AND a.backend_type NOT LIKE 'autovacuum%' AND a.pid <> pg_backend_pid();
  SELECT coalesce(max(held.age), 0) INTO xmin_age FROM (
    SELECT xmin_age AS age
    UNION ALL SELECT age(p.transaction) FROM pg_prepared_xacts p WHERE p.database = current_database()
    UNION ALL SELECT greatest(age(s.xmin), age(s.catalog_xmin)) FROM pg_replication_slots s
    UNION ALL SELECT age(r.backend_xmin) FROM pg_stat_replication r) held;
  RETURN NEXT;
END
$$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION lovage.cluster_metrics(int) FROM PUBLIC;
