-- What callers, workers and operators do. Each verb is one statement for its caller, so it costs one round trip.

CREATE FUNCTION lovage.job_table(of_queue text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  found_table text;
BEGIN
  SELECT q.job_table INTO found_table FROM lovage.queue_control q WHERE q.queue = of_queue;
  IF found_table IS NULL THEN
    RAISE EXCEPTION 'queue "%" is not declared', of_queue USING ERRCODE = 'undefined_object';
  END IF;
  RETURN found_table;
END
$$;
--> statement-breakpoint
-- Accepts tasks: `tasks` is an array of {id?, tenant, name, queue, priority, maxAttempts, resultTtlMs, input, tags,
-- createdBy, delayMs?, dueAt?}. Task rows are written here, since only here the input is at hand; their events
-- and all that follows are the journal's.
CREATE FUNCTION lovage.add_tasks(tasks jsonb) RETURNS SETOF lovage.task
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM set_config('lovage.adding', 'on', true);
  RETURN QUERY
  WITH added AS (
    INSERT INTO lovage.task (id, tenant, name, queue, priority, max_attempts, result_ttl_ms, input, tags, created_by,
                             concurrency_key, created_at, due_at, events)
    SELECT coalesce(n.id, lovage.uuid_v7()), coalesce(n.tenant, 'default'), n.name, n.queue, coalesce(n.priority, 0),
           coalesce(n."maxAttempts", 3), coalesce(n."resultTtlMs", 86400000), n.input, coalesce(n.tags, '{}'),
           n."createdBy", n."concurrencyKey", now(),
           greatest(now(), coalesce(n."dueAt", now() + coalesce(n."delayMs", 0) * interval '1 ms')), 1
    FROM jsonb_to_recordset(tasks) AS n (id uuid, tenant text, name text, queue text, priority int, "maxAttempts" int,
         "resultTtlMs" bigint, input jsonb, tags text[], "createdBy" text, "concurrencyKey" text, "dueAt" timestamptz,
         "delayMs" double precision)
    RETURNING *
  ), sent AS (
    -- Kept for ever, but not to infinity, from which pg-boss's own update() subtracts: Postgres cannot before 17.
    INSERT INTO pgboss.job (id, name, data, priority, retry_limit, expire_seconds, singleton_key, start_after,
                            created_on, keep_until, policy)
    SELECT a.id, a.queue, jsonb_build_object('name', a.name), a.priority, 1000000000, 2147483647, a.concurrency_key,
           a.due_at, a.created_at, '9999-01-01', 'standard'
    FROM added a
  )
  SELECT * FROM added;
  PERFORM set_config('lovage.adding', '', true);
END
$$;
--> statement-breakpoint
-- Locks, by id, the jobs whose running attempt is the one named: the fence of every write by a worker. Each is looked
-- up by itself: without statistics a join reads the whole queue.
CREATE FUNCTION lovage.lock_attempts(of_queue text, attempts jsonb) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE
  locked uuid[];
BEGIN
  EXECUTE format(
    'SELECT coalesce(array_agg(DISTINCT held.id), ''{}'') FROM (
       SELECT own.id
       FROM (SELECT r.id, r.attempt FROM jsonb_to_recordset($1) AS r (id uuid, attempt int) ORDER BY r.id) a
       CROSS JOIN LATERAL (SELECT j.id FROM pgboss.%I j
                           WHERE j.name = $2 AND j.id = a.id AND j.state = ''active'' AND j.retry_count = a.attempt - 1
                           FOR UPDATE) own) held', lovage.job_table(of_queue))
  INTO locked USING attempts, of_queue;
  RETURN locked;
END
$$;
--> statement-breakpoint
-- Of outcomes or reports those of the running attempts that the caller holds, the first of each: a group may name a
-- stale attempt beside its successor, and one attempt twice. A job that was deleted by hand and put back while the
-- caller waited for it is there and not held: then everything is to be tried again.
CREATE FUNCTION lovage.of_running(of_queue text, entries jsonb, held uuid[]) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE
  kept jsonb;
BEGIN
  EXECUTE format(
    'SELECT coalesce(jsonb_agg(first.entry), ''[]'') FROM (
       SELECT DISTINCT ON (own.id) e.entry
       FROM jsonb_array_elements($1) WITH ORDINALITY AS e (entry, position)
       CROSS JOIN LATERAL (SELECT j.id FROM pgboss.%I j
                           WHERE j.name = $2 AND j.id = (e.entry ->> ''id'')::uuid AND j.state = ''active''
                             AND j.retry_count = (e.entry ->> ''attempt'')::int - 1 OFFSET 0) own
       ORDER BY own.id, e.position) first', lovage.job_table(of_queue))
  INTO kept USING entries, of_queue;
  IF jsonb_array_length(kept) > cardinality(held) THEN
    RAISE EXCEPTION 'a job was made anew while it was waited for' USING ERRCODE = 'serialization_failure';
  END IF;
  RETURN kept;
END
$$;
--> statement-breakpoint
-- Progress and log lines of running attempts, for `ids` only: reports is an array of {id, attempt,
-- progress: {current, total, message} | null, events: [{type, data, agoMs}]}. The caller holds the jobs.
CREATE FUNCTION lovage.write_reports(ids uuid[], reports jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
BEGIN
  WITH numbered AS (
    UPDATE lovage.task t
    SET events = t.events + jsonb_array_length(r.events)
    FROM jsonb_to_recordset(reports) AS r (id uuid, attempt int, events jsonb)
    WHERE t.id = r.id AND t.id = ANY (ids) AND jsonb_array_length(r.events) > 0
    RETURNING t.id, r.attempt, r.events, t.events - jsonb_array_length(r.events) AS before
  )
  INSERT INTO lovage.task_event (task_id, number, type, attempt, at, data)
  SELECT n.id, n.before + e.position, e.line ->> 'type', n.attempt,
         now() - coalesce((e.line ->> 'agoMs')::double precision, 0) * interval '1 ms', coalesce(e.line -> 'data', '{}')
  FROM numbered n CROSS JOIN LATERAL jsonb_array_elements(n.events) WITH ORDINALITY AS e (line, position);

  INSERT INTO lovage.task_progress AS live (task_id, attempt, current, total, message)
  SELECT r.id, r.attempt, (r.progress ->> 'current')::bigint, (r.progress ->> 'total')::bigint, r.progress ->> 'message'
  FROM jsonb_to_recordset(reports) AS r (id uuid, attempt int, progress jsonb)
  WHERE r.id = ANY (ids) AND jsonb_typeof(r.progress) = 'object'
  ON CONFLICT (task_id) DO UPDATE
  SET attempt = excluded.attempt, current = excluded.current, total = excluded.total, message = excluded.message,
      updated_at = now();
END
$$;
--> statement-breakpoint
-- A running worker's reports. Returns the ids whose attempt is still its own.
CREATE FUNCTION lovage.report(of_queue text, reports jsonb) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  mine uuid[] := lovage.lock_attempts(of_queue, reports);
BEGIN
  IF cardinality(mine) < jsonb_array_length(reports) THEN
    reports := lovage.of_running(of_queue, reports, mine);
  END IF;
  PERFORM lovage.write_reports(mine, reports);
  RETURN mine;
END
$$;
--> statement-breakpoint
-- Ends attempts, many in one transaction. outcomes is an array of {id, attempt, kind, ...}:
--   succeeded {output, ttlMs}   failed {error}   cancelled {}
--   retrying {error, delayMs}   handed_back {reason, delayMs}
-- each with the progress and events not yet written. An attempt that is no longer the task's own is left
-- alone; a cancel that was asked for before wins over any outcome. Returns what was accepted.
CREATE FUNCTION lovage.settle(of_queue text, by_worker uuid, outcomes jsonb)
RETURNS TABLE (id uuid, state lovage.task_state)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE
  job_table text := lovage.job_table(of_queue);
  mine uuid[] := lovage.lock_attempts(of_queue, outcomes);
  cancelled uuid[];
  succeeded uuid[];
  failed uuid[];
  back uuid[];
  delete_jobs text := format('DELETE FROM pgboss.%I WHERE name = $1 AND id = ANY ($2)', job_table);
BEGIN
  PERFORM set_config('lovage.worker', by_worker::text, true);
  IF cardinality(mine) < jsonb_array_length(outcomes) THEN
    outcomes := lovage.of_running(of_queue, outcomes, mine);
  END IF;

  SELECT array_agg(t.id) INTO cancelled FROM lovage.task t WHERE t.id = ANY (mine) AND t.cancel_requested_at IS NOT NULL;
  cancelled := coalesce(cancelled, '{}');
  SELECT array_agg(o.id) FILTER (WHERE o.kind = 'succeeded'),
         array_agg(o.id) FILTER (WHERE o.kind = 'failed'),
         array_agg(o.id) FILTER (WHERE o.kind IN ('retrying', 'handed_back')),
         cancelled || coalesce(array_agg(o.id) FILTER (WHERE o.kind = 'cancelled'), '{}')
  INTO succeeded, failed, back, cancelled
  FROM jsonb_to_recordset(outcomes) AS o (id uuid, kind text)
  WHERE o.id = ANY (mine) AND o.id <> ALL (cancelled);
  -- Before the end: after it, the history takes no more lines.
  IF outcomes @? '$[*].events[0]' OR outcomes @? '$[*].progress.current' THEN
    PERFORM lovage.write_reports(mine, outcomes);
  END IF;

  IF succeeded IS NOT NULL THEN
    PERFORM set_config('lovage.outcome', 'succeeded', true);
    EXECUTE delete_jobs USING of_queue, succeeded;
    INSERT INTO lovage.task_result (task_id, output, expires_at)
    SELECT o.id, coalesce(o.output, 'null'), now() + o."ttlMs" * interval '1 ms'
    FROM jsonb_to_recordset(outcomes) AS o (id uuid, output jsonb, "ttlMs" double precision)
    WHERE o.id = ANY (succeeded);
  END IF;

  IF failed IS NOT NULL OR back IS NOT NULL THEN
    UPDATE lovage.task t
    SET error = o.error, failures = t.failures + 1
    FROM jsonb_to_recordset(outcomes) AS o (id uuid, kind text, error jsonb)
    WHERE t.id = o.id AND t.id = ANY (mine) AND t.id <> ALL (cancelled) AND o.kind IN ('failed', 'retrying');
  END IF;

  IF failed IS NOT NULL THEN
    PERFORM set_config('lovage.outcome', 'failed', true);
    EXECUTE delete_jobs USING of_queue, failed;
  END IF;

  IF cardinality(cancelled) > 0 THEN
    PERFORM set_config('lovage.outcome', 'cancelled', true);
    EXECUTE delete_jobs USING of_queue, cancelled;
  END IF;

  PERFORM set_config('lovage.outcome', '', true), set_config('lovage.reason', '', true);
  IF back IS NOT NULL THEN
    PERFORM lovage.put_back(of_queue, back, outcomes);
  END IF;

  PERFORM set_config('lovage.worker', '', true);
  RETURN QUERY
  SELECT unnest(succeeded), 'succeeded'::lovage.task_state
  UNION ALL SELECT unnest(failed), 'failed'
  UNION ALL SELECT unnest(cancelled), 'cancelled'
  UNION ALL
  SELECT o.id, CASE o.kind WHEN 'retrying' THEN 'retrying' ELSE 'queued' END::lovage.task_state
  FROM jsonb_to_recordset(outcomes) AS o (id uuid, kind text)
  WHERE o.id = ANY (back);
END
$$;
--> statement-breakpoint
-- Puts held running jobs back in place: started_on and retry_count stay, so the next claim gets the next number.
CREATE FUNCTION lovage.put_back(of_queue text, ids uuid[], outcomes jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT o.kind, o.reason, array_agg(o.id) AS ids
    FROM jsonb_to_recordset(outcomes) AS o (id uuid, kind text, reason text)
    WHERE o.id = ANY (ids)
    GROUP BY o.kind, o.reason
  LOOP
    PERFORM set_config('lovage.event', wanted.kind, true), set_config('lovage.reason', coalesce(wanted.reason, ''), true);
    EXECUTE format(
      'UPDATE pgboss.%I j
       SET state = $4::pgboss.job_state, start_after = now() + coalesce(o."delayMs", 0) * interval ''1 ms''
       FROM jsonb_to_recordset($1) AS o (id uuid, "delayMs" double precision)
       WHERE j.name = $2 AND j.id = o.id AND j.id = ANY ($3)', lovage.job_table(of_queue))
    USING outcomes, of_queue, wanted.ids, CASE wanted.kind WHEN 'retrying' THEN 'retry' ELSE 'created' END;
  END LOOP;
  PERFORM set_config('lovage.event', '', true), set_config('lovage.reason', '', true);
END
$$;
--> statement-breakpoint
-- Cancels a task: a waiting one at once, a running one as soon as its handler has stopped.
-- Returns cancelled, requested, already_final or not_found.
CREATE FUNCTION lovage.cancel(task_id uuid, reason text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_queue text;
  job_state text;
BEGIN
  SELECT t.queue INTO of_queue FROM lovage.task t WHERE t.id = cancel.task_id;
  IF NOT FOUND THEN
    RETURN 'not_found';
  END IF;
  -- A job that was deleted and made anew while this waited for it is found at a second look.
  FOR look IN 1..2 LOOP
    EXECUTE format('SELECT state FROM pgboss.%I WHERE name = $1 AND id = $2 FOR UPDATE', lovage.job_table(of_queue))
    INTO job_state USING of_queue, cancel.task_id;
    EXIT WHEN job_state IS NOT NULL;
  END LOOP;
  IF job_state IS NULL OR job_state NOT IN ('created', 'retry', 'active') THEN
    RETURN 'already_final';
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
  RETURN CASE job_state WHEN 'active' THEN 'requested' ELSE 'cancelled' END;
END
$$;
--> statement-breakpoint
-- Runs a final task again, under its own id, with its budget renewed and its history kept.
-- Returns queued, not_final or not_found.
CREATE FUNCTION lovage.retry(task_id uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  found_state lovage.task_state;
BEGIN
  SELECT t.state INTO found_state FROM lovage.task t WHERE t.id = retry.task_id;
  IF NOT FOUND THEN
    RETURN 'not_found';
  END IF;
  -- What psql left of a final job makes room; of two retries at once one waits here for the other.
  DELETE FROM pgboss.job j USING lovage.task t
  WHERE t.id = retry.task_id AND j.name = t.queue AND j.id = t.id AND j.state > 'active';
  IF NOT lovage.is_final(found_state) OR cardinality(lovage.restore_jobs(ARRAY[retry.task_id], 'created')) = 0 THEN
    RETURN 'not_final';
  END IF;
  UPDATE lovage.task t SET failures = 0, crashes = 0, error = NULL WHERE t.id = retry.task_id;
  PERFORM pg_notify('lovage_ready', t.queue) FROM lovage.task t WHERE t.id = retry.task_id;
  RETURN 'queued';
END
$$;
--> statement-breakpoint
-- Which queues have work now, and in how many milliseconds the next delayed task of each is due.
CREATE FUNCTION lovage.next_due(queues text[]) RETURNS TABLE (queue text, ready boolean, due_in_ms double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
  declared record;
BEGIN
  FOR declared IN SELECT q.queue, q.job_table FROM lovage.live_queues() q WHERE q.queue = ANY (queues) LOOP
    queue := declared.queue;
    EXECUTE format(
      'SELECT EXISTS (SELECT FROM pgboss.%1$I WHERE name = $1 AND state < ''active'' AND NOT blocked AND start_after <= now()),
              (SELECT extract(epoch FROM min(start_after) - clock_timestamp()) * 1000 FROM pgboss.%1$I
               WHERE state < ''active'' AND start_after > created_on AND start_after > now())', declared.job_table)
    INTO ready, due_in_ms USING declared.queue;
    RETURN NEXT;
  END LOOP;
END
$$;
--> statement-breakpoint
-- Takes the running tasks of workers whose heartbeat has stopped for `deadline` and queues them again.
-- Returns the tasks; each gets a new attempt number at its next claim, so the old worker's settle is refused.
CREATE FUNCTION lovage.rescue(deadline interval) RETURNS TABLE (task_id uuid, queue text, worker_id uuid)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  lost uuid[];
  declared record;
  held uuid[];
  still_running uuid[];
BEGIN
  SELECT array_agg(dead.id) INTO lost FROM (
    SELECT w.id FROM lovage.worker w
    WHERE w.lost_at IS NULL AND w.stopped_at IS NULL AND w.heartbeat_at < now() - deadline
    ORDER BY w.id FOR UPDATE SKIP LOCKED) dead;
  IF lost IS NULL THEN
    RETURN;
  END IF;
  FOR declared IN SELECT q.queue, q.job_table FROM lovage.live_queues() q LOOP
    EXECUTE format(
      'SELECT array_agg(stale.id) FROM (
         SELECT j.id FROM pgboss.%I j JOIN lovage.task t ON t.id = j.id
         WHERE j.name = $1 AND j.state = ''active'' AND t.worker_id = ANY ($2)
         ORDER BY j.id FOR UPDATE OF j) stale', declared.job_table)
    INTO held USING declared.queue, lost;
    IF held IS NOT NULL THEN
      UPDATE lovage.task t SET crashes = t.crashes + 1 WHERE t.id = ANY (held);
      PERFORM lovage.settle_lost(declared.queue, held);
      RETURN QUERY SELECT t.id, t.queue, t.worker_id FROM lovage.task t WHERE t.id = ANY (held);
    END IF;
    -- A job that was deleted by hand and put back while this waited for it: the next rescue comes for it.
    EXECUTE format('SELECT $3 || array_agg(t.worker_id) FROM pgboss.%I j JOIN lovage.task t ON t.id = j.id
                    WHERE j.name = $1 AND j.state = ''active'' AND t.worker_id = ANY ($2)', declared.job_table)
    INTO still_running USING declared.queue, lost, still_running;
  END LOOP;
  UPDATE lovage.worker w SET lost_at = now() WHERE w.id = ANY (lost) AND w.id <> ALL (coalesce(still_running, '{}'));
END
$$;
--> statement-breakpoint
-- Ends attempts that no worker will settle: cancelled where that was asked for, else queued again.
-- The caller holds the jobs.
CREATE FUNCTION lovage.settle_lost(of_queue text, ids uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  cancelled uuid[];
BEGIN
  SELECT array_agg(t.id) INTO cancelled FROM lovage.task t WHERE t.id = ANY (ids) AND t.cancel_requested_at IS NOT NULL;
  IF cancelled IS NOT NULL THEN
    PERFORM set_config('lovage.outcome', 'cancelled', true), set_config('lovage.actor', 'lovage', true),
            set_config('lovage.reason', 'its worker died', true);
    EXECUTE format('DELETE FROM pgboss.%I WHERE name = $1 AND id = ANY ($2)', lovage.job_table(of_queue)) USING of_queue, cancelled;
    PERFORM set_config('lovage.outcome', '', true);
  END IF;
  PERFORM set_config('lovage.event', 'rescued', true), set_config('lovage.actor', 'lovage', true),
          set_config('lovage.reason', 'its worker died', true);
  EXECUTE format(
    'UPDATE pgboss.%I SET state = ''created'', start_after = now()
     WHERE name = $1 AND id = ANY ($2) AND state = ''active''', lovage.job_table(of_queue))
  USING of_queue, ids;
  PERFORM set_config('lovage.event', '', true), set_config('lovage.actor', '', true), set_config('lovage.reason', '', true);
END
$$;
