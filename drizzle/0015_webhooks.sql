-- Webhooks: whoever asked is told of the ends of tasks and batches. A message is a row of webhook_delivery and a task of the
-- same id on the queue `lovage`, both written in the transaction of the end itself.
--
-- The trigger is deferred to the commit: only there the result is stored beside its task, and none of the settings that
-- settle and the like make is still in force.

-- Callers see no stacks.
CREATE FUNCTION lovage.shown_error(error jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN jsonb_typeof(error -> 'cause') = 'object'
              THEN error - 'stack' || jsonb_build_object('cause', lovage.shown_error(error -> 'cause'))
              ELSE error - 'stack' END
$$;
--> statement-breakpoint
-- A final task as the API shows it, without its input; a result over 256 KiB is left to its statusUrl.
CREATE FUNCTION lovage.task_message(t lovage.task) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
  SELECT jsonb_build_object(
    'id', t.id, 'name', t.name, 'queue', t.queue, 'state', t.state, 'priority', t.priority, 'attempt', t.attempt,
    'maxAttempts', t.max_attempts, 'crashes', t.crashes, 'softLimitMs', t.soft_limit_ms, 'hardLimitMs', t.hard_limit_ms,
    'concurrencyKey', t.concurrency_key,
    'progress', (SELECT jsonb_build_object('current', p.current, 'total', p.total, 'message', p.message)
                 FROM lovage.task_progress p WHERE p.task_id = t.id),
    'result', CASE WHEN NOT r.is_large THEN r.output END,
    'error', lovage.shown_error(t.error), 'tags', t.tags, 'batchId', t.batch_id, 'parentId', t.parent_id,
    'parentStep', t.parent_step, 'createdBy', t.created_by, 'createdAt', lovage.iso_time(t.created_at),
    'dueAt', lovage.iso_time(t.due_at), 'startedAt', lovage.iso_time(t.started_at),
    'finishedAt', lovage.iso_time(t.finished_at), 'cancelRequestedAt', lovage.iso_time(t.cancel_requested_at),
    'cancelRequestedBy', t.cancel_requested_by, 'cancelReason', t.cancel_reason, 'cancelOutcome', t.cancel_outcome,
    'overdueAt', NULL,
    'resultExpiresAt', CASE WHEN t.state = 'succeeded' THEN lovage.iso_time(t.finished_at + t.result_ttl_ms * interval '1 ms') END,
    'statusUrl', '/v1/tasks/' || t.id, 'eventsUrl', '/v1/tasks/' || t.id || '/events')
    || CASE WHEN r.is_large THEN '{"resultTruncated": true}'::jsonb ELSE '{}' END
  FROM (SELECT 1) one
  LEFT JOIN (SELECT o.output, octet_length(o.output::text) > 262144 AS is_large
             FROM lovage.task_result o WHERE o.task_id = t.id) r ON true
$$;
--> statement-breakpoint
-- A batch that has ended: how many of its tasks ended how.
CREATE FUNCTION lovage.batch_message(b lovage.batch) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
  SELECT jsonb_build_object(
    'id', b.id, 'label', b.label, 'state', 'finished', 'size', b.size,
    'counts', jsonb_build_object('succeeded', c.succeeded, 'failed', c.failed, 'cancelled', c.cancelled, 'expired', c.expired),
    'followUpId', b.follow_up_id, 'createdBy', b.created_by, 'createdAt', lovage.iso_time(b.created_at),
    'cancelRequestedAt', lovage.iso_time(b.cancel_requested_at), 'finishedAt', lovage.iso_time(coalesce(b.finished_at, now())),
    'statusUrl', '/v1/batches/' || b.id)
  FROM (SELECT count(*) FILTER (WHERE t.state = 'succeeded') AS succeeded, count(*) FILTER (WHERE t.state = 'failed') AS failed,
               count(*) FILTER (WHERE t.state = 'cancelled') AS cancelled, count(*) FILTER (WHERE t.state = 'expired') AS expired
        FROM lovage.task t WHERE t.batch_id = b.id) c
$$;
--> statement-breakpoint
-- The tasks that carry deliveries. Those to one host, which may be slow, share a key.
CREATE FUNCTION lovage.add_delivery_tasks(ids uuid[]) RETURNS void
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
           'input', '{}'::jsonb, 'createdBy', 'lovage',
           'concurrencyKey', left(d.tenant || ' ' || substring(d.url FROM '^https?://([^/?#]+)'), 200)))
  INTO deliveries FROM lovage.webhook_delivery d WHERE d.id = ANY (ids);
  PERFORM lovage.add_tasks(deliveries);
  PERFORM pg_notify('lovage_ready', 'lovage');
END
$$;
--> statement-breakpoint
-- Tells the callback, if there is one, and every endpoint of the tenant that wants to know.
CREATE FUNCTION lovage.send_webhooks(of_tenant text, of_actor text, of_event text, about jsonb, of_task uuid, of_batch uuid,
                                     callback_url text, callback_secret bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
  ids uuid[];
BEGIN
  WITH receiver AS (
    SELECT NULL::uuid AS endpoint_id, callback_url AS url, callback_secret AS secret WHERE callback_url IS NOT NULL
    UNION ALL
    SELECT e.id, e.url, NULL FROM lovage.webhook_endpoint e
    WHERE e.tenant = of_tenant AND e.disabled_at IS NULL AND (e.actor IS NULL OR e.actor = of_actor)
      AND (e.events = '{}' OR of_event = ANY (e.events))
  ), made AS (
    INSERT INTO lovage.webhook_delivery (id, tenant, endpoint_id, url, secret, event, task_id, batch_id, payload)
    SELECT lovage.uuid_v7(), of_tenant, r.endpoint_id, r.url, r.secret, of_event, of_task, of_batch,
           jsonb_build_object('type', of_event, 'timestamp', lovage.iso_time(now()), 'data', about)
    FROM receiver r
    RETURNING id
  )
  SELECT array_agg(m.id) INTO ids FROM made m;
  IF ids IS NOT NULL THEN
    PERFORM lovage.add_delivery_tasks(ids);
  END IF;
END
$$;
--> statement-breakpoint
-- A message by which an endpoint shows that it is there.
CREATE FUNCTION lovage.test_webhook(of_endpoint uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  made uuid := lovage.uuid_v7();
BEGIN
  INSERT INTO lovage.webhook_delivery (id, tenant, endpoint_id, url, event, payload)
  SELECT made, e.tenant, e.id, e.url, 'webhook.test',
         jsonb_build_object('type', 'webhook.test', 'timestamp', lovage.iso_time(now()), 'data', jsonb_build_object('webhookId', e.id))
  FROM lovage.webhook_endpoint e WHERE e.id = of_endpoint;
  PERFORM lovage.add_delivery_tasks(ARRAY[made]);
  RETURN made;
END
$$;
--> statement-breakpoint
CREATE FUNCTION lovage.tell_of_end() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
  callback lovage.task_callback;
BEGIN
  SELECT * INTO callback FROM lovage.task_callback c WHERE c.task_id = NEW.id;
  PERFORM lovage.send_webhooks(NEW.tenant, NEW.created_by, 'task.' || NEW.state, lovage.task_message(NEW), NEW.id, NULL,
                               callback.url, callback.secret);
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER task_tells_of_end AFTER UPDATE OF state ON lovage.task
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (NEW.notifies AND OLD.state <> NEW.state AND NEW.state IN ('succeeded', 'failed', 'cancelled', 'expired')
      AND NEW.queue <> 'lovage')
EXECUTE FUNCTION lovage.tell_of_end();
--> statement-breakpoint
-- Called in the transaction that finds batches ended.
CREATE OR REPLACE FUNCTION lovage.batch_finished(batch_ids uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
  ended lovage.batch;
  adding text := coalesce(lovage.setting('adding'), '');
BEGIN
  FOR ended IN SELECT * FROM lovage.batch b WHERE b.id = ANY (batch_ids) ORDER BY b.id LOOP
    PERFORM lovage.send_webhooks(ended.tenant, ended.created_by, 'batch.finished', lovage.batch_message(ended), NULL, ended.id,
                                 ended.callback ->> 'url', decode(ended.callback ->> 'secret', 'base64'));
  END LOOP;
  PERFORM set_config('lovage.adding', adding, true);
END
$$;
--> statement-breakpoint
-- A delivery that is about to be tried: where to and what, signed with what. Nothing where it has arrived already.
CREATE FUNCTION lovage.begin_webhook_try(of_id uuid)
RETURNS TABLE (url text, body text, secret bytea, former_secret bytea, is_removed boolean, is_disabled boolean, failures int, max_attempts int)
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
  WITH begun AS (
    UPDATE lovage.webhook_delivery d
    SET tries = d.tries + 1,
        url = coalesce((SELECT e.url FROM lovage.webhook_endpoint e WHERE e.id = d.endpoint_id), d.url)
    WHERE d.id = of_id AND d.delivered_at IS NULL
    RETURNING d.*
  )
  SELECT b.url, b.payload::text, coalesce(e.secret, b.secret), CASE WHEN e.former_until > now() THEN e.former_secret END,
         b.endpoint_id IS NOT NULL AND e.id IS NULL, e.disabled_at IS NOT NULL, t.failures, t.max_attempts
  FROM begun b JOIN lovage.task t ON t.id = b.id LEFT JOIN lovage.webhook_endpoint e ON e.id = b.endpoint_id
$$;
--> statement-breakpoint
-- What came of it: delivered, retrying or failed. The task that it tells of gets a line in its history once that is
-- decided. An endpoint is disabled where it says so itself, or when a delivery was given up after days in which the
-- endpoint took none. Locks one task and no job.
CREATE FUNCTION lovage.end_webhook_try(of_id uuid, outcome text, status int, fault text, disables text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
  d lovage.webhook_delivery;
BEGIN
  UPDATE lovage.webhook_delivery w
  SET last_status = status, last_error = fault, delivered_at = CASE WHEN outcome = 'delivered' THEN now() END
  WHERE w.id = of_id AND w.delivered_at IS NULL
  RETURNING * INTO d;
  IF NOT FOUND OR outcome = 'retrying' THEN
    RETURN;
  END IF;
  WITH told AS (
    UPDATE lovage.task t SET events = t.events + 1 WHERE t.id = d.task_id RETURNING t.id, t.events, t.attempt
  )
  INSERT INTO lovage.task_event (task_id, number, type, attempt, data)
  SELECT t.id, t.events, 'webhook', t.attempt, jsonb_strip_nulls(jsonb_build_object(
           'delivery', d.id, 'webhook', d.endpoint_id, 'event', d.event, 'outcome', outcome, 'status', status, 'tries', d.tries,
           'error', fault))
  FROM told t;

  IF outcome = 'failed' AND disables IS NULL AND d.created_at < now() - interval '2 days' AND NOT EXISTS (
       SELECT FROM lovage.webhook_delivery o WHERE o.endpoint_id = d.endpoint_id AND o.delivered_at >= d.created_at) THEN
    disables := format('it took no delivery since %s; the last time: %s', lovage.iso_time(d.created_at), fault);
  END IF;
  UPDATE lovage.webhook_endpoint e SET disabled_at = now(), disabled_reason = disables
  WHERE disables IS NOT NULL AND e.id = d.endpoint_id AND e.disabled_at IS NULL;
END
$$;
--> statement-breakpoint
-- Delivers once more, with a new budget of tries, what has arrived or failed; what waits for its next try is due now.
-- Returns queued, not_final (it is being tried) or not_found.
CREATE FUNCTION lovage.replay_delivery(of_id uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  outcome text;
BEGIN
  IF NOT EXISTS (SELECT FROM lovage.webhook_delivery d WHERE d.id = of_id) THEN
    RETURN 'not_found';
  END IF;
  outcome := lovage.retry(of_id);
  IF outcome = 'not_final' THEN
    UPDATE pgboss.job j SET start_after = now() WHERE j.name = 'lovage' AND j.id = of_id AND j.state < 'active';
    outcome := CASE WHEN FOUND THEN 'queued' ELSE 'not_final' END;
    PERFORM pg_notify('lovage_ready', 'lovage');
  ELSIF outcome = 'not_found' THEN
    -- Its task is long removed.
    PERFORM lovage.add_delivery_tasks(ARRAY[of_id]);
    outcome := 'queued';
  END IF;
  IF outcome = 'queued' THEN
    UPDATE lovage.webhook_delivery d SET delivered_at = NULL WHERE d.id = of_id;
  END IF;
  RETURN outcome;
END
$$;
--> statement-breakpoint
-- Every worker serves the queue `lovage`, with slots of its own, and tells of it to nobody.
CREATE OR REPLACE FUNCTION lovage.serving_workers(of_queue text) RETURNS SETOF lovage.worker
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT w.* FROM lovage.worker w
  WHERE (of_queue = ANY (w.queues) OR of_queue = 'lovage') AND w.stopped_at IS NULL AND w.lost_at IS NULL AND NOT w.draining
    AND w.heartbeat_at > now() - interval '15 s'
$$;
--> statement-breakpoint
-- As before, but that the queue `lovage` takes none of a worker's slots.
CREATE OR REPLACE FUNCTION lovage.lacks_slot(t lovage.task) RETURNS TABLE (reason text, since timestamptz, detail text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  WITH able AS (
    SELECT w.id, w.slots, w.queues FROM lovage.serving_workers(t.queue) w WHERE w.tasks = '{}' OR t.name = ANY (w.tasks)
  ), busy AS (
    SELECT r.worker_id, count(*) AS running, max(r.started_at) AS last_start
    FROM (SELECT DISTINCT unnest(a.queues) AS queue FROM able a) q CROSS JOIN LATERAL lovage.running_attempts(q.queue) r
    GROUP BY r.worker_id
  )
  SELECT 'no_free_slot', max(b.last_start), format('all %s slots of %s live workers are taken', sum(a.slots), count(*))
  FROM able a LEFT JOIN busy b ON b.worker_id = a.id
  HAVING t.queue <> 'lovage' AND count(*) > 0 AND bool_and(coalesce(b.running, 0) >= a.slots)
$$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION lovage.shown_error(jsonb), lovage.task_message(lovage.task), lovage.batch_message(lovage.batch),
  lovage.add_delivery_tasks(uuid[]), lovage.send_webhooks(text, text, text, jsonb, uuid, uuid, text, bytea), lovage.tell_of_end(),
  lovage.test_webhook(uuid),   lovage.batch_finished(uuid[]), lovage.begin_webhook_try(uuid), lovage.end_webhook_try(uuid, text, int, text, text),
  lovage.replay_delivery(uuid) FROM PUBLIC;
