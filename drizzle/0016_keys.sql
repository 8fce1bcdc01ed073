-- Keys: how much each may ask for, and who did what.

-- What a key with a rate limit has used: one row a key, counted in sixty slots of its period and the one that has just
-- begun. Nothing is lost that matters when a crash empties it, so no request waits for its log to be written.
CREATE UNLOGGED TABLE lovage.key_rate (
  key_id uuid PRIMARY KEY,
  period_ms int NOT NULL,
  -- The number of the newest slot, which is the last of `used`.
  slot bigint NOT NULL,
  used int[] NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
--> statement-breakpoint
-- Takes `cost` requests from what a key may still make, all or none. A request counts until its whole slot is a period
-- old, so never more than `quota` pass in any period, and after a burst it is free again at most a sixtieth late.
-- `wait_ms` is how long until more can be had: as much as was refused, or anything at all.
CREATE FUNCTION lovage.take_quota(of_key uuid, quota int, period_ms int, cost int,
                                  OUT allowed boolean, OUT remaining int, OUT wait_ms bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  slot_ms double precision := take_quota.period_ms / 60.0;
  kept lovage.key_rate;
  at_ms double precision;
  passed bigint;
  total bigint;
  wanted bigint;
  freed bigint := 0;
BEGIN
  INSERT INTO lovage.key_rate (key_id, period_ms, slot, used)
  VALUES (of_key, take_quota.period_ms, 0, array_fill(0, ARRAY[61]))
  ON CONFLICT DO NOTHING;
  SELECT * INTO STRICT kept FROM lovage.key_rate r WHERE r.key_id = of_key FOR UPDATE;
  -- The time after the lock: those who waited for it come in the order in which they got it.
  at_ms := extract(epoch FROM clock_timestamp()) * 1000;
  passed := floor(at_ms / slot_ms)::bigint - kept.slot;
  IF kept.period_ms <> take_quota.period_ms OR abs(passed) > 60 THEN
    kept.used := array_fill(0, ARRAY[61]);
  ELSIF passed > 0 THEN
    kept.used := kept.used[passed + 1:61] || array_fill(0, ARRAY[passed::int]);
  ELSE
    -- The clock was put back a little: what it counted stays counted.
    passed := 0;
  END IF;
  kept.slot := kept.slot + passed;
  IF kept.period_ms <> take_quota.period_ms THEN
    kept.slot := floor(at_ms / slot_ms)::bigint;
  END IF;

  total := (SELECT sum(n) FROM unnest(kept.used) n);
  allowed := total + cost <= quota;
  wanted := CASE WHEN allowed THEN 1 ELSE total + cost - quota END;
  IF allowed THEN
    kept.used[61] := kept.used[61] + cost;
    total := total + cost;
    UPDATE lovage.key_rate r SET period_ms = take_quota.period_ms, slot = kept.slot, used = kept.used WHERE r.key_id = of_key;
  END IF;
  remaining := greatest(0, quota - total);
  FOR i IN 1..61 LOOP
    freed := freed + kept.used[i];
    wait_ms := greatest(0, ceil((kept.slot + i) * slot_ms - at_ms));
    EXIT WHEN freed >= wanted;
  END LOOP;
END
$$;
--> statement-breakpoint
-- What an operator did in psql, in the transaction in which he did it. Whoever came over the API or the command line is
-- known by a setting, and written down there.
CREATE FUNCTION lovage.audit_by_hand(action text, target text, outcome text, reason text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF lovage.setting('actor') IS NULL AND lovage.setting('worker') IS NULL THEN
    INSERT INTO lovage.audit_log (id, tenant, actor, action, target, outcome, ip, detail)
    SELECT lovage.uuid_v7(),
           coalesce(CASE WHEN action LIKE 'tasks.%' THEN (SELECT t.tenant FROM lovage.task t WHERE t.id = target::uuid) END, 'default'),
           'sql:' || session_user, action, left(target, 200),
           CASE WHEN outcome <> 'not_found' THEN 'ok' WHEN action LIKE 'tasks.%' THEN 'task-not-found' ELSE 'queue-not-found' END,
           host(inet_client_addr()),
           jsonb_strip_nulls(jsonb_build_object('outcome', nullif(outcome, 'not_found'), 'reason', left(reason, 1000)));
  END IF;
  RETURN outcome;
END
$$;
--> statement-breakpoint
-- Nothing of a paused queue is claimed; what runs goes on. Returns paused, already_paused or not_found.
CREATE OR REPLACE FUNCTION lovage.pause(queue text, reason text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  outcome text := 'paused';
BEGIN
  UPDATE lovage.queue_control q SET paused_at = now(), paused_by = lovage.actor(), pause_reason = pause.reason
  WHERE q.queue = pause.queue AND q.paused_at IS NULL;
  IF NOT FOUND THEN
    outcome := CASE WHEN EXISTS (SELECT FROM lovage.queue_control q WHERE q.queue = pause.queue)
                    THEN 'already_paused' ELSE 'not_found' END;
  END IF;
  RETURN lovage.audit_by_hand('queues.pause', pause.queue, outcome, pause.reason);
END
$$;
--> statement-breakpoint
-- Returns resumed, not_paused or not_found.
CREATE OR REPLACE FUNCTION lovage.resume(queue text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  outcome text := 'resumed';
BEGIN
  UPDATE lovage.queue_control q SET paused_at = NULL, paused_by = NULL, pause_reason = NULL
  WHERE q.queue = resume.queue AND q.paused_at IS NOT NULL;
  IF FOUND THEN
    PERFORM pg_notify('lovage_ready', resume.queue);
  ELSE
    outcome := CASE WHEN EXISTS (SELECT FROM lovage.queue_control q WHERE q.queue = resume.queue)
                    THEN 'not_paused' ELSE 'not_found' END;
  END IF;
  RETURN lovage.audit_by_hand('queues.resume', resume.queue, outcome);
END
$$;
--> statement-breakpoint
-- Runs a final task again, under its own id, with its budget renewed and its history kept.
-- Returns queued, not_final or not_found.
CREATE OR REPLACE FUNCTION lovage.retry(task_id uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  queued uuid[] := lovage.retry_tasks(ARRAY[retry.task_id]);
BEGIN
  RETURN lovage.audit_by_hand('tasks.retry', retry.task_id::text,
    CASE WHEN cardinality(queued) > 0 THEN 'queued'
         WHEN EXISTS (SELECT FROM lovage.task t WHERE t.id = retry.task_id) THEN 'not_final' ELSE 'not_found' END);
END
$$;
--> statement-breakpoint
-- Cancels a task: a waiting one at once, a running one as soon as its handler has stopped.
-- Returns cancelled, requested, already_final or not_found.
CREATE OR REPLACE FUNCTION lovage.cancel(task_id uuid, reason text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_queue text;
  job_state text;
BEGIN
  SELECT t.queue INTO of_queue FROM lovage.task t WHERE t.id = cancel.task_id;
  IF NOT FOUND THEN
    RETURN lovage.audit_by_hand('tasks.cancel', cancel.task_id::text, 'not_found', cancel.reason);
  END IF;
  -- A job that was deleted and made anew while this waited for it is found at a second look.
  FOR look IN 1..2 LOOP
    EXECUTE format('SELECT state FROM pgboss.%I WHERE name = $1 AND id = $2 FOR UPDATE', lovage.job_table(of_queue))
    INTO job_state USING of_queue, cancel.task_id;
    EXIT WHEN job_state IS NOT NULL;
  END LOOP;
  IF job_state IS NULL OR job_state NOT IN ('created', 'retry', 'active') THEN
    RETURN lovage.audit_by_hand('tasks.cancel', cancel.task_id::text, 'already_final', cancel.reason);
  END IF;
  PERFORM set_config('lovage.reason', coalesce(cancel.reason, ''), true);
  IF job_state = 'active' THEN
    PERFORM lovage.request_cancel(ARRAY[cancel.task_id]);
  ELSE
    PERFORM set_config('lovage.outcome', 'cancelled', true);
    EXECUTE format('DELETE FROM pgboss.%I WHERE name = $1 AND id = $2', lovage.job_table(of_queue))
    USING of_queue, cancel.task_id;
    PERFORM set_config('lovage.outcome', '', true);
  END IF;
  PERFORM set_config('lovage.reason', '', true);
  RETURN lovage.audit_by_hand('tasks.cancel', cancel.task_id::text,
    CASE job_state WHEN 'active' THEN 'requested' ELSE 'cancelled' END, cancel.reason);
END
$$;
--> statement-breakpoint
-- Who did what, from where and when, the newest last in `id`.
CREATE VIEW lovage.v_audit AS
SELECT id, at, tenant, actor, action, target, outcome, ip, request_id, detail FROM lovage.audit_log;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION lovage.take_quota(uuid, int, int, int), lovage.audit_by_hand(text, text, text, text) FROM PUBLIC;
