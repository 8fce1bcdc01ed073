-- Attempts that end in more ways: time limits, crashes of their own process, snoozes, cancels that were forced.

ALTER TABLE lovage.task
  ADD CONSTRAINT task_limits CHECK (soft_limit_ms > 0 AND hard_limit_ms >= soft_limit_ms),
  ADD CONSTRAINT task_cancel_outcome CHECK (cancel_outcome IN ('obeyed', 'killed', 'abandoned'));
--> statement-breakpoint
ALTER TABLE lovage.definition
  ADD CONSTRAINT definition_limits CHECK (soft_limit_ms > 0 AND hard_limit_ms >= soft_limit_ms);
--> statement-breakpoint
ALTER TABLE lovage.queue_control
  ADD CONSTRAINT queue_control_limits CHECK (max_running > 0 AND max_per_key > 0 AND rate_limit > 0 AND rate_period_ms > 0),
  ADD CONSTRAINT queue_control_rate CHECK ((rate_limit IS NULL) = (rate_period_ms IS NULL));
--> statement-breakpoint
-- Accepts tasks: `tasks` is an array of {id?, tenant, name, queue, priority, maxAttempts, resultTtlMs, softLimitMs?,
-- hardLimitMs?, concurrencyKey?, input, tags, createdBy, delayMs?, dueAt?}. Task rows are written here, since only here the input is at hand; their events
-- and all that follows are the journal's.
CREATE OR REPLACE FUNCTION lovage.add_tasks(tasks jsonb) RETURNS SETOF lovage.task
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM set_config('lovage.adding', 'on', true);
  RETURN QUERY
  WITH added AS (
    INSERT INTO lovage.task (id, tenant, name, queue, priority, max_attempts, result_ttl_ms, soft_limit_ms,
                             hard_limit_ms, input, tags, created_by, concurrency_key, created_at, due_at, events)
    SELECT coalesce(n.id, lovage.uuid_v7()), coalesce(n.tenant, 'default'), n.name, n.queue, coalesce(n.priority, 0),
           coalesce(n."maxAttempts", 3), coalesce(n."resultTtlMs", 86400000), n."softLimitMs", n."hardLimitMs", n.input, coalesce(n.tags, '{}'),
           n."createdBy", n."concurrencyKey", now(),
           greatest(now(), coalesce(n."dueAt", now() + coalesce(n."delayMs", 0) * interval '1 ms')), 1
    FROM jsonb_to_recordset(tasks) AS n (id uuid, tenant text, name text, queue text, priority int, "maxAttempts" int,
         "resultTtlMs" bigint, "softLimitMs" int, "hardLimitMs" int, input jsonb, tags text[], "createdBy" text, "concurrencyKey" text, "dueAt" timestamptz,
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
CREATE OR REPLACE FUNCTION lovage.end_tasks(of_ids uuid[], outcome text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  actor text := lovage.actor();
  reason text := lovage.setting('reason');
BEGIN
  WITH ended AS (
    UPDATE lovage.task t
    SET state = outcome::lovage.task_state, finished_at = now(), events = t.events + 1,
        error = CASE WHEN outcome = 'succeeded' THEN NULL ELSE t.error END,
        -- Of one that waited nobody had asked before.
        cancel_requested_at = CASE WHEN outcome = 'cancelled' THEN coalesce(t.cancel_requested_at, now()) ELSE t.cancel_requested_at END,
        cancel_requested_by = CASE WHEN outcome = 'cancelled' AND t.cancel_requested_at IS NULL THEN actor ELSE t.cancel_requested_by END,
        cancel_reason = CASE WHEN outcome = 'cancelled' AND t.cancel_requested_at IS NULL THEN reason ELSE t.cancel_reason END
    WHERE t.id = ANY (of_ids) AND NOT lovage.is_final(t.state)
    RETURNING t.id, t.events, t.attempt, t.error, t.cancel_requested_by, t.cancel_reason, t.cancel_outcome
  )
  INSERT INTO lovage.task_event (task_id, number, type, attempt, data)
  SELECT e.id, e.events, outcome, e.attempt,
         CASE outcome WHEN 'succeeded' THEN '{}'::jsonb
                      WHEN 'failed' THEN jsonb_strip_nulls(jsonb_build_object('by', actor, 'error', e.error))
                      -- Who asked for it, where a worker only carries it out.
                      ELSE jsonb_strip_nulls(jsonb_build_object('by', coalesce(actor, e.cancel_requested_by),
                                                                'reason', coalesce(reason, e.cancel_reason),
                                                                'outcome', e.cancel_outcome)) END
  FROM ended e;
END
$$;
--> statement-breakpoint
-- Ends attempts, many in one transaction. outcomes is an array of {id, attempt, kind, ...}:
--   succeeded {output, ttlMs}          failed {error, isCrash?}     cancelled {}
--   retrying {error, delayMs}          crashed {error, reason, delayMs}
--   handed_back {reason, delayMs}      snoozed {reason, delayMs}
-- each with the progress and events not yet written, and with cancelEnd, which tells how it ended should it be cancelled. An attempt that is no longer the task's own is left
-- alone; a cancel that was asked for before wins over any outcome. Returns what was accepted.
CREATE OR REPLACE FUNCTION lovage.settle(of_queue text, by_worker uuid, outcomes jsonb)
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
         array_agg(o.id) FILTER (WHERE o.kind IN ('retrying', 'crashed', 'handed_back', 'snoozed')),
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
    SET error = o.error,
        failures = t.failures + CASE WHEN o.is_crash THEN 0 ELSE 1 END,
        crashes = t.crashes + CASE WHEN o.is_crash THEN 1 ELSE 0 END
    FROM (SELECT n.id, n.error, n.kind = 'crashed' OR coalesce(n."isCrash", false) AS is_crash
          FROM jsonb_to_recordset(outcomes) AS n (id uuid, kind text, error jsonb, "isCrash" boolean)
          WHERE n.kind IN ('failed', 'retrying', 'crashed')) o
    WHERE t.id = o.id AND t.id = ANY (mine) AND t.id <> ALL (cancelled);
  END IF;

  IF failed IS NOT NULL THEN
    PERFORM set_config('lovage.outcome', 'failed', true);
    EXECUTE delete_jobs USING of_queue, failed;
  END IF;

  IF cardinality(cancelled) > 0 THEN
    UPDATE lovage.task t SET cancel_outcome = coalesce(o."cancelEnd", 'obeyed')
    FROM jsonb_to_recordset(outcomes) AS o (id uuid, "cancelEnd" text)
    WHERE t.id = o.id AND t.id = ANY (cancelled);
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
-- Running attempts that should have ended and cannot be ended but with their worker: `attempts` is an array of
-- {id, attempt, because}. They stay running, and keep their places.
CREATE FUNCTION lovage.mark_overdue(of_queue text, attempts jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  mine uuid[] := lovage.lock_attempts(of_queue, attempts);
BEGIN
  WITH marked AS (
    UPDATE lovage.task t SET overdue_at = now(), events = t.events + 1
    WHERE t.id = ANY (mine) AND t.state = 'running' AND t.overdue_at IS NULL
    RETURNING t.id, t.events, t.attempt
  )
  INSERT INTO lovage.task_event (task_id, number, type, attempt, data)
  SELECT m.id, m.events, 'overdue', m.attempt, jsonb_build_object('because', a.because)
  FROM marked m JOIN jsonb_to_recordset(attempts) AS a (id uuid, attempt int, because text)
    ON a.id = m.id AND a.attempt = m.attempt;
END
$$;
--> statement-breakpoint
DROP FUNCTION lovage.settle_lost(text, uuid[]);
--> statement-breakpoint
-- Ends attempts that no worker will settle; the caller holds the jobs. Cancelled where that was asked for. What was past its
-- hard limit has failed by it. The rest is queued again, at no cost to its retries; a crash counts, and after `max_crashes` of
-- them the task is quarantined: it fails.
CREATE FUNCTION lovage.settle_lost(of_queue text, ids uuid[], is_crash boolean DEFAULT false, max_crashes int DEFAULT 3,
                                   crash_delay_ms double precision DEFAULT 1000, why text DEFAULT 'its worker died')
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  cancelled uuid[];
  late uuid[];
  failed uuid[];
  delete_jobs text := format('DELETE FROM pgboss.%I WHERE name = $1 AND id = ANY ($2)', lovage.job_table(of_queue));
BEGIN
  PERFORM set_config('lovage.actor', 'lovage', true), set_config('lovage.reason', why, true);
  WITH ended AS (
    UPDATE lovage.task t SET cancel_outcome = 'abandoned'
    WHERE t.id = ANY (ids) AND t.cancel_requested_at IS NOT NULL
    RETURNING t.id)
  SELECT array_agg(e.id) INTO cancelled FROM ended e;
  IF cancelled IS NOT NULL THEN
    PERFORM set_config('lovage.outcome', 'cancelled', true);
    EXECUTE delete_jobs USING of_queue, cancelled;
    ids := ARRAY(SELECT unnest(ids) EXCEPT SELECT unnest(cancelled));
  END IF;

  WITH timed_out AS (
    UPDATE lovage.task t
    SET failures = t.failures + 1,
        error = jsonb_build_object('code', 'time_limit', 'message', 'the attempt was past its hard limit until ' || why)
    WHERE t.id = ANY (ids) AND t.overdue_at IS NOT NULL
    RETURNING t.id, t.failures >= t.max_attempts AS is_over)
  SELECT array_agg(o.id), array_agg(o.id) FILTER (WHERE o.is_over) INTO late, failed FROM timed_out o;
  IF is_crash THEN
    WITH crashed AS (
      UPDATE lovage.task t
      SET crashes = t.crashes + 1,
          error = jsonb_build_object('code', 'crashed', 'message', why)
      WHERE t.id = ANY (ids) AND t.id <> ALL (coalesce(late, '{}'))
      RETURNING t.id, t.crashes)
    SELECT failed || array_agg(c.id) FILTER (WHERE c.crashes >= max_crashes) INTO failed FROM crashed c;
  END IF;
  IF failed IS NOT NULL THEN
    PERFORM set_config('lovage.outcome', 'failed', true);
    EXECUTE delete_jobs USING of_queue, failed;
  END IF;

  PERFORM set_config('lovage.outcome', '', true), set_config('lovage.event', 'rescued', true);
  EXECUTE format(
    'UPDATE pgboss.%I j
     SET state = ''created'', start_after = now() + CASE WHEN t.crashes > 1 AND $3 THEN $4 ELSE 0 END * interval ''1 ms''
     FROM lovage.task t
     WHERE j.name = $1 AND j.id = ANY ($2) AND j.state = ''active'' AND t.id = j.id', lovage.job_table(of_queue))
  USING of_queue, ids, is_crash, crash_delay_ms;
  PERFORM set_config('lovage.event', '', true), set_config('lovage.actor', '', true), set_config('lovage.reason', '', true);
END
$$;
--> statement-breakpoint
-- What must hold at any moment, as queries. STABLE: every check reads the caller's one snapshot.
CREATE OR REPLACE FUNCTION lovage.check_invariants() RETURNS TABLE (invariant text, task_id uuid, detail text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  -- 1. Every task that is not final has exactly one live job, in the matching state; no final task has one.
  SELECT 'one-job-per-task', t.id, format('task is %s in queue %s but has no job', t.state, t.queue)
  FROM lovage.task t
  WHERE NOT lovage.is_final(t.state)
    AND NOT EXISTS (SELECT FROM pgboss.job j WHERE j.name = t.queue AND j.id = t.id AND j.state <= 'active')
  UNION ALL
  SELECT 'one-job-per-task', t.id, format('task is %s but its job is %s', t.state, j.state)
  FROM pgboss.job j JOIN lovage.task t ON t.id = j.id
  WHERE j.state <= 'active'
    AND t.state::text <> CASE j.state WHEN 'created' THEN CASE t.state WHEN 'waiting' THEN 'waiting' ELSE 'queued' END
                                      WHEN 'retry' THEN 'retrying' ELSE 'running' END
  UNION ALL
  SELECT 'one-job-per-task', j.id, format('job in queue %s has no task', j.name)
  FROM pgboss.job j JOIN lovage.queue_control q ON q.queue = j.name
  WHERE NOT EXISTS (SELECT FROM lovage.task t WHERE t.id = j.id)
  UNION ALL
  SELECT 'one-job-per-task', j.id, format('%s jobs carry the task', count(*))
  FROM pgboss.job j JOIN lovage.queue_control q ON q.queue = j.name
  GROUP BY j.id HAVING count(*) > 1
  UNION ALL
  SELECT 'one-job-per-task', t.id, format('attempt is %s but the running job is at %s', t.attempt, j.retry_count + 1)
  FROM pgboss.job j JOIN lovage.task t ON t.id = j.id
  WHERE j.state = 'active' AND t.state = 'running' AND t.attempt <> j.retry_count + 1
  UNION ALL
  -- 2. At most one start and one end per attempt; an attempt starts only after the one before it ended. What somebody
  -- did by hand to a task that waits bears his name and ends no attempt.
  SELECT 'one-settle-per-attempt', e.task_id, format('attempt %s has %s starts and %s ends', e.attempt,
         count(*) FILTER (WHERE e.type = 'started'), count(*) FILTER (WHERE e.type <> 'started'))
  FROM lovage.task_event e
  WHERE e.attempt > 0 AND e.type IN ('started', 'succeeded', 'failed', 'retrying', 'crashed', 'snoozed', 'handed_back', 'rescued')
    AND (e.type IN ('started', 'rescued') OR NOT e.data ? 'by')
  GROUP BY e.task_id, e.attempt
  HAVING count(*) FILTER (WHERE e.type = 'started') > 1 OR count(*) FILTER (WHERE e.type <> 'started') > 1
  UNION ALL
  SELECT 'one-settle-per-attempt', s.task_id, format('attempt %s started while attempt %s had not ended', s.attempt, s.before)
  FROM (SELECT e.task_id, e.attempt, e.type, lag(e.type) OVER w AS type_before, lag(e.attempt) OVER w AS before
        FROM lovage.task_event e
        WHERE e.type IN ('started', 'succeeded', 'failed', 'cancelled', 'expired', 'retrying', 'crashed', 'snoozed', 'handed_back',
                       'rescued', 'requeued')
        WINDOW w AS (PARTITION BY e.task_id ORDER BY e.number)) s
  WHERE s.type = 'started' AND s.type_before = 'started'
  UNION ALL
  -- 3. Event numbers run from 1 without gap or duplicate; after the final event comes only an explicit retry.
  SELECT 'event-numbers', t.id, format('task counts %s events, history has %s up to number %s', t.events, count(e.number), max(e.number))
  FROM lovage.task t LEFT JOIN lovage.task_event e ON e.task_id = t.id
  GROUP BY t.id
  HAVING t.events <> count(e.number) OR t.events <> coalesce(max(e.number), 0)
  UNION ALL
  SELECT 'event-numbers', f.task_id, format('event %s (%s) comes after the final event', f.number, f.type)
  FROM (SELECT e.task_id, e.number, e.type, lag(e.type) OVER (PARTITION BY e.task_id ORDER BY e.number) AS type_before
        FROM lovage.task_event e) f
  WHERE f.type_before IN ('succeeded', 'failed', 'cancelled', 'expired') AND f.type NOT IN ('requeued', 'webhook', 'archived')
  UNION ALL
  SELECT 'event-numbers', t.id, format('task is %s but its last transition says %s', t.state, e.type)
  FROM lovage.task t JOIN lovage.task_event e ON e.task_id = t.id AND e.number = t.events
  WHERE lovage.is_final(t.state) AND e.type <> t.state::text
  UNION ALL
  -- 4. A readable result exists exactly for succeeded tasks whose result has not passed its time to live.
  SELECT 'results', r.task_id, format('a result is stored but the task is %s', coalesce(t.state::text, 'gone'))
  FROM lovage.task_result r LEFT JOIN lovage.task t ON t.id = r.task_id
  WHERE r.expires_at > now() AND t.state IS DISTINCT FROM 'succeeded'
  UNION ALL
  SELECT 'results', t.id, 'task succeeded but its result is missing before its time'
  FROM lovage.task t
  WHERE t.state = 'succeeded' AND t.finished_at + t.result_ttl_ms * interval '1 ms' > now()
    AND NOT EXISTS (SELECT FROM lovage.task_result r WHERE r.task_id = t.id)
$$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION lovage.mark_overdue(text, jsonb),
  lovage.settle_lost(text, uuid[], boolean, int, double precision, text) FROM PUBLIC;
