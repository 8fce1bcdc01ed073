-- The journal. pg-boss's job row is the one truth about delivery; these triggers write lovage.task and
-- lovage.task_event in the transaction of the queue change itself, whoever made it.
--
-- What a job row cannot tell comes from transaction-local settings:
--   lovage.worker   the worker that claims or settles        lovage.actor   who else did it
--   lovage.outcome  the final state that a delete stands for lovage.reason  why
--   lovage.event    the event's type, where the state alone does not name it
--   lovage.claimed  set by the journal: the tasks that the worker's claim took
--   lovage.adding   'on' while lovage.add_tasks() has written the task rows already
--
-- Lock order everywhere: job rows by id, then task rows.
--
-- What workers do all day (claims, deletes by a settle) joins nothing: it goes by an array of ids. Everything
-- else joins the transition table, which has no index and no statistics, so those statements are planned
-- anew each time: a plan kept from when a table was small is quadratic once it is not.

CREATE FUNCTION lovage.setting(name text) RETURNS text
LANGUAGE sql STABLE
AS $$ SELECT nullif(current_setting('lovage.' || name, true), '') $$;
--> statement-breakpoint
-- Null for what a worker does in the course of running: its event names the worker instead.
CREATE FUNCTION lovage.actor() RETURNS text
LANGUAGE sql STABLE
AS $$
  SELECT coalesce(lovage.setting('actor'),
                  CASE WHEN lovage.setting('worker') IS NULL THEN 'sql:' || session_user END)
$$;
--> statement-breakpoint
CREATE FUNCTION lovage.is_final(state lovage.task_state) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT state IN ('succeeded', 'failed', 'cancelled', 'expired') $$;
--> statement-breakpoint
-- The declared queues whose table is there; somebody may have dropped one, and the others go on.
CREATE FUNCTION lovage.live_queues() RETURNS TABLE (queue text, job_table text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT q.queue, q.job_table FROM lovage.queue_control q
  WHERE to_regclass(format('pgboss.%I', q.job_table)) IS NOT NULL
  ORDER BY q.queue
$$;
--> statement-breakpoint
-- A job comes back under its task's id: after a manual retry, a foreign delete of a running job, a truncate.
-- It continues the numbering: a claim adds one to retry_count where started_on is set.
CREATE FUNCTION lovage.restore_jobs(ids uuid[], as_state text) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  restored uuid[];
BEGIN
  WITH back AS (
    INSERT INTO pgboss.job (id, name, data, priority, state, retry_limit, retry_count, expire_seconds,
                            singleton_key, start_after, created_on, started_on, keep_until, policy)
    SELECT t.id, t.queue, jsonb_build_object('name', t.name), t.priority, as_state::pgboss.job_state,
           1000000000, greatest(t.attempt - 1, 0), 2147483647, t.concurrency_key,
           CASE WHEN lovage.is_final(t.state) THEN now() ELSE t.due_at END, now(),
           CASE WHEN t.attempt > 0 THEN coalesce(t.started_at, now()) END, '9999-01-01', 'standard'
    FROM lovage.task t JOIN lovage.live_queues() q ON q.queue = t.queue
    WHERE t.id = ANY (ids)
    ORDER BY t.id
    ON CONFLICT DO NOTHING
    RETURNING id
  )
  SELECT array_agg(id) INTO restored FROM back;
  RETURN coalesce(restored, '{}');
END
$$;
--> statement-breakpoint
-- Marks running tasks as to be cancelled and tells their workers. The caller holds their job rows.
CREATE FUNCTION lovage.request_cancel(ids uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  told uuid[];
BEGIN
  WITH asked AS (
    UPDATE lovage.task t
    SET cancel_requested_at = now(), cancel_requested_by = lovage.actor(),
        cancel_reason = lovage.setting('reason'), events = t.events + 1
    WHERE t.id = ANY (ids) AND t.state = 'running' AND t.cancel_requested_at IS NULL
    RETURNING t.id, t.events, t.attempt
  ), written AS (
    INSERT INTO lovage.task_event (task_id, number, type, attempt, data)
    SELECT a.id, a.events, 'cancel_requested', a.attempt,
           jsonb_strip_nulls(jsonb_build_object('by', lovage.actor(), 'reason', lovage.setting('reason')))
    FROM asked a
    RETURNING task_id
  )
  SELECT array_agg(w.task_id) INTO told FROM written w;
  PERFORM pg_notify('lovage_cancel', id::text) FROM unnest(told) AS id;
END
$$;
--> statement-breakpoint
-- The two transitions of every task, by ids alone: their plans can be kept, since there is but one way to look up an id.
CREATE FUNCTION lovage.start_tasks(of_ids uuid[], by_worker uuid, OUT numbers bigint, OUT ids uuid[])
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
  WITH moved AS (
    UPDATE lovage.task t
    SET state = 'running', attempt = t.attempt + 1, worker_id = by_worker, started_at = now(), events = t.events + 1
    WHERE t.id = ANY (of_ids) AND t.state IN ('queued', 'retrying')
    RETURNING t.id, t.events, t.attempt
  ), written AS (
    INSERT INTO lovage.task_event (task_id, number, type, attempt, data)
    SELECT m.id, m.events, 'started', m.attempt, jsonb_build_object('worker', by_worker) FROM moved m
  )
  SELECT sum(m.attempt), array_agg(m.id) INTO numbers, ids FROM moved m;
END
$$;
--> statement-breakpoint
CREATE FUNCTION lovage.end_tasks(of_ids uuid[], outcome text) RETURNS void
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
        error = CASE WHEN outcome = 'succeeded' THEN NULL ELSE t.error END
    WHERE t.id = ANY (of_ids) AND NOT lovage.is_final(t.state)
    RETURNING t.id, t.events, t.attempt, t.error, t.cancel_requested_by, t.cancel_reason
  )
  INSERT INTO lovage.task_event (task_id, number, type, attempt, data)
  SELECT e.id, e.events, outcome, e.attempt,
         CASE outcome WHEN 'succeeded' THEN '{}'::jsonb
                      WHEN 'failed' THEN jsonb_strip_nulls(jsonb_build_object('by', actor, 'error', e.error))
                      -- Who asked for it, where a worker only carries it out.
                      ELSE jsonb_strip_nulls(jsonb_build_object('by', coalesce(actor, e.cancel_requested_by),
                                                                'reason', coalesce(reason, e.cancel_reason))) END
  FROM ended e;
END
$$;
--> statement-breakpoint
CREATE FUNCTION lovage.journal_write() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
  wanted_event text := lovage.setting('event');
  worker uuid := lovage.setting('worker')::uuid;
  actor text := lovage.actor();
  reason text := lovage.setting('reason');
  ids uuid[];
  is_claim boolean;
  numbers bigint;
  taken bigint;
  moved_ids uuid[];
  mended uuid[];
  unwilling uuid[];
  changes_queue boolean;
  revived uuid[];
BEGIN
  -- A worker's claim moves all its tasks alike, each to its next attempt. What is mended within it is no claim.
  IF worker IS NOT NULL AND wanted_event IS NULL AND TG_OP = 'UPDATE' AND pg_trigger_depth() = 1 THEN
    SELECT array_agg(n.id), bool_and(n.state = 'active'), sum(n.retry_count + 1) INTO ids, is_claim, numbers FROM fresh n;
    IF is_claim THEN
      PERFORM set_config('lovage.claimed', ids::text, true);
      SELECT s.numbers, s.ids INTO taken, moved_ids FROM lovage.start_tasks(ids, worker) s;
      -- Where the numbers differ a job had drifted from its task; below it is mended.
      IF taken = numbers THEN
        RETURN NULL;
      END IF;
      -- A job was in the queue while its task ran: nobody saw that attempt end, so it ends here.
      WITH ended AS (
        UPDATE lovage.task t SET state = 'queued', events = t.events + 1
        WHERE t.id = ANY (ids) AND t.id <> ALL (coalesce(moved_ids, '{}')) AND t.state = 'running'
        RETURNING t.id, t.events, t.attempt
      )
      INSERT INTO lovage.task_event (task_id, number, type, attempt, data)
      SELECT e.id, e.events, 'requeued', e.attempt, '{"by": "lovage"}' FROM ended e;
    END IF;
  END IF;

  IF TG_OP = 'INSERT' OR lovage.setting('reconciling') = 'on' THEN
    IF lovage.setting('adding') = 'on' THEN
      INSERT INTO lovage.task_event (task_id, number, type, attempt)
      SELECT n.id, 1, 'queued', 0 FROM fresh n;
      RETURN NULL;
    END IF;
    -- Jobs that somebody else sent: the envelope may carry the task's name and input, else all of it is input.
    WITH adopted AS (
      INSERT INTO lovage.task (id, name, queue, priority, input, created_by, concurrency_key, created_at, due_at,
                               max_attempts, result_ttl_ms, events)
      SELECT n.id, coalesce(n.data ->> 'name', n.name), n.name, n.priority,
             CASE WHEN n.data ->> 'name' IS NOT NULL THEN n.data -> 'input' ELSE n.data END, actor, n.singleton_key,
             n.created_on, n.start_after, coalesce(d.max_attempts, 3), coalesce(d.result_ttl_ms, 86400000), 1
      FROM fresh n
      JOIN lovage.queue_control q ON q.queue = n.name
      LEFT JOIN lovage.definition d ON d.name = coalesce(n.data ->> 'name', n.name)
      ON CONFLICT DO NOTHING
      RETURNING id
    )
    INSERT INTO lovage.task_event (task_id, number, type, attempt, data)
    SELECT a.id, 1, 'queued', 0, jsonb_strip_nulls(jsonb_build_object('by', actor, 'reason', reason)) FROM adopted a;
  END IF;

  -- By hand a job may get a number that is not its own. Attempts never go back, and a running one keeps its number:
  -- mend the job; the trigger comes by again for the mended rows. A final task set to running waits for a worker.
  SELECT array_agg(t.id) FILTER (WHERE
           CASE WHEN n.state < 'active' THEN t.attempt > 0 AND (n.started_on IS NULL OR n.retry_count < t.attempt - 1)
                WHEN n.state > 'active' THEN false
                WHEN t.state = 'running' THEN n.retry_count <> t.attempt - 1
                ELSE lovage.is_final(t.state) OR n.retry_count < t.attempt END),
         bool_or(n.name <> t.queue)
  INTO mended, changes_queue
  FROM fresh n CROSS JOIN LATERAL (SELECT * FROM lovage.task w WHERE w.id = n.id OFFSET 0) t;
  IF mended IS NOT NULL THEN
    UPDATE pgboss.job j
    SET state = CASE WHEN n.state = 'active' AND lovage.is_final(t.state) THEN 'created' ELSE j.state END,
        started_on = CASE WHEN t.attempt > 0 THEN coalesce(j.started_on, now()) ELSE j.started_on END,
        retry_count = CASE WHEN n.state = 'active' AND t.state = 'running' THEN t.attempt - 1
                           WHEN n.state = 'active' AND NOT lovage.is_final(t.state) THEN greatest(j.retry_count, t.attempt)
                           ELSE greatest(j.retry_count, t.attempt - 1) END
    FROM fresh n JOIN lovage.task t ON t.id = n.id
    WHERE j.name = n.name AND j.id = n.id AND n.id = ANY (mended);
  END IF;
  IF changes_queue AND EXISTS (SELECT FROM fresh n JOIN lovage.task t ON t.id = n.id
                               WHERE n.name <> t.queue AND n.name NOT IN (SELECT q.queue FROM lovage.queue_control q)) THEN
    RAISE EXCEPTION 'the job of a task cannot move to a queue that is not declared';
  END IF;
  IF changes_queue AND EXISTS (SELECT FROM fresh n JOIN lovage.task t ON t.id = n.id
                               WHERE n.name <> t.queue AND t.state = 'running') THEN
    RAISE EXCEPTION 'the job of a running task cannot move: its worker would settle it where it was';
  END IF;

  -- A running job that somebody else cancelled stays until its handler has stopped.
  IF lovage.setting('outcome') IS NULL AND EXISTS (SELECT FROM fresh n WHERE n.state = 'cancelled') THEN
    SELECT array_agg(t.id) INTO unwilling
    FROM fresh n JOIN lovage.task t ON t.id = n.id
    WHERE n.state = 'cancelled' AND t.state = 'running';
    IF unwilling IS NOT NULL THEN
      UPDATE pgboss.job j SET state = 'active', completed_on = NULL
      FROM fresh n
      WHERE j.name = n.name AND j.id = n.id AND n.id = ANY (unwilling);
      PERFORM lovage.request_cancel(unwilling);
      mended := mended || unwilling;
    END IF;
  END IF;

  WITH moved AS (
    UPDATE lovage.task t
    SET state = n.task_state,
        queue = n.name,
        attempt = CASE WHEN n.state = 'active' THEN n.retry_count + 1 ELSE t.attempt END,
        priority = n.priority,
        due_at = n.start_after,
        concurrency_key = n.singleton_key,
        worker_id = CASE WHEN n.state = 'active' AND was.state <> 'running' THEN worker ELSE t.worker_id END,
        started_at = CASE WHEN n.state = 'active' AND n.retry_count + 1 > was.attempt THEN now() ELSE t.started_at END,
        finished_at = CASE WHEN lovage.is_final(n.task_state) THEN coalesce(t.finished_at, now()) END,
        error = CASE WHEN n.task_state = 'succeeded' THEN NULL ELSE t.error END,
        cancel_requested_at = CASE WHEN lovage.is_final(was.state) THEN NULL ELSE t.cancel_requested_at END,
        cancel_requested_by = CASE WHEN lovage.is_final(was.state) THEN NULL ELSE t.cancel_requested_by END,
        cancel_reason = CASE WHEN lovage.is_final(was.state) THEN NULL ELSE t.cancel_reason END,
        events = t.events + 1
    FROM (SELECT f.id, f.name, f.state, f.priority, f.start_after, f.singleton_key, f.retry_count,
                 CASE f.state WHEN 'created' THEN 'queued' WHEN 'retry' THEN 'retrying' WHEN 'active' THEN 'running'
                              WHEN 'completed' THEN 'succeeded' WHEN 'cancelled' THEN 'cancelled' ELSE 'failed'
                 END::lovage.task_state AS task_state
          FROM fresh f) n
    CROSS JOIN LATERAL (SELECT * FROM lovage.task w WHERE w.id = n.id OFFSET 0) was
    WHERE t.id = n.id
      AND (CASE WHEN n.state = 'active' THEN n.retry_count + 1 > was.attempt ELSE n.task_state <> was.state END
           OR (n.task_state = was.state
               AND (n.priority <> was.priority OR n.start_after <> was.due_at OR n.name <> was.queue
                    OR n.singleton_key IS DISTINCT FROM was.concurrency_key)))
      -- How a task has ended stays, whatever is done to what psql left of its job.
      AND NOT (n.state > 'active' AND lovage.is_final(was.state))
      AND (mended IS NULL OR n.id <> ALL (mended))
    RETURNING t.id, t.events, t.attempt, t.error, t.state, t.priority, t.due_at, t.queue, t.concurrency_key,
              was.state AS old_state, was.attempt AS old_attempt, was.queue AS old_queue
  ), written AS (
    INSERT INTO lovage.task_event (task_id, number, type, attempt, data)
    SELECT m.id, m.events, kind.type, m.attempt,
           CASE kind.type
             WHEN 'started' THEN jsonb_strip_nulls(jsonb_build_object('worker', worker, 'by', actor))
             WHEN 'retrying' THEN jsonb_strip_nulls(jsonb_build_object('error', m.error, 'dueAt', m.due_at, 'by', actor))
             WHEN 'failed' THEN jsonb_strip_nulls(jsonb_build_object('error', m.error, 'by', actor))
             WHEN 'changed' THEN jsonb_strip_nulls(jsonb_build_object('priority', m.priority, 'dueAt', m.due_at,
                    'concurrencyKey', m.concurrency_key, 'queue', nullif(m.queue, m.old_queue), 'by', actor))
             ELSE jsonb_strip_nulls(jsonb_build_object('by', actor, 'reason', reason))
           END
    FROM moved m
    CROSS JOIN LATERAL (SELECT CASE
        WHEN m.state = m.old_state AND m.attempt = m.old_attempt THEN coalesce(wanted_event, 'changed')
        WHEN m.state = 'running' THEN 'started'
        WHEN lovage.is_final(m.old_state) THEN 'requeued'
        WHEN m.state = 'queued' THEN coalesce(wanted_event, 'requeued')
        ELSE m.state::text END AS type) kind
    RETURNING task_id, type
  ), results AS (
    -- Completed by hand: there is no result but null, and it can be read like any other.
    INSERT INTO lovage.task_result (task_id, output, expires_at)
    SELECT w.task_id, 'null', now() + t.result_ttl_ms * interval '1 ms'
    FROM written w JOIN lovage.task t ON t.id = w.task_id
    WHERE w.type = 'succeeded'
    ON CONFLICT (task_id) DO UPDATE SET output = excluded.output, expires_at = excluded.expires_at
  )
  SELECT array_agg(m.id) INTO revived FROM moved m WHERE m.old_state = 'succeeded' AND m.state <> 'succeeded';
  IF revived IS NOT NULL THEN
    DELETE FROM lovage.task_result WHERE task_id = ANY (revived);
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE FUNCTION lovage.journal_delete() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
  outcome text := lovage.setting('outcome');
  actor text := lovage.actor();
  reason text := lovage.setting('reason');
  running uuid[];
  ids uuid[];
BEGIN
  IF outcome IS NOT NULL THEN
    SELECT array_agg(o.id) INTO ids FROM gone o;
    PERFORM lovage.end_tasks(ids, outcome);
    RETURN NULL;
  END IF;

  -- pg-boss's own retry deletes and inserts in one statement; both triggers see both. What is still
  -- there was not deleted.
  SELECT array_agg(o.id) FILTER (WHERE t.state = 'running' AND o.state = 'active'),
         array_agg(o.id) FILTER (WHERE NOT (t.state = 'running' AND o.state = 'active') AND NOT lovage.is_final(t.state))
  INTO running, ids
  FROM gone o CROSS JOIN LATERAL (SELECT * FROM lovage.task w WHERE w.id = o.id OFFSET 0) t
  WHERE NOT EXISTS (SELECT FROM pgboss.job j WHERE j.name = o.name AND j.id = o.id);

  -- A running task stays until its handler has stopped.
  IF running IS NOT NULL THEN
    PERFORM lovage.restore_jobs(running, 'active');
    PERFORM lovage.request_cancel(running);
  END IF;
  WITH ended AS (
    UPDATE lovage.task t
    SET state = CASE WHEN t.attempt = 0 THEN 'expired' ELSE 'cancelled' END::lovage.task_state,
        finished_at = now(), events = t.events + 1
    WHERE t.id = ANY (ids)
    RETURNING t.id, t.events, t.state, t.attempt
  )
  INSERT INTO lovage.task_event (task_id, number, type, attempt, data)
  SELECT e.id, e.events, e.state::text, e.attempt, jsonb_strip_nulls(jsonb_build_object('by', actor, 'reason', reason))
  FROM ended e;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- No transition table tells what a truncate took: what has no job any more was taken.
CREATE FUNCTION lovage.journal_truncate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  taken uuid[];
  running uuid[];
BEGIN
  SELECT array_agg(t.id ORDER BY t.id), array_agg(t.id ORDER BY t.id) FILTER (WHERE t.state = 'running')
  INTO taken, running
  FROM lovage.task t
  WHERE NOT lovage.is_final(t.state)
    AND (TG_TABLE_NAME = 'job' OR t.queue = (SELECT q.queue FROM lovage.queue_control q WHERE q.job_table = TG_TABLE_NAME))
    AND NOT EXISTS (SELECT FROM pgboss.job j WHERE j.name = t.queue AND j.id = t.id);

  PERFORM lovage.restore_jobs(running, 'active');
  PERFORM lovage.request_cancel(running);

  WITH ended AS (
    UPDATE lovage.task t
    SET state = CASE WHEN t.attempt = 0 THEN 'expired' ELSE 'cancelled' END::lovage.task_state,
        finished_at = now(), events = t.events + 1
    WHERE t.id = ANY (taken) AND t.state <> 'running'
    RETURNING t.id, t.events, t.state, t.attempt
  )
  INSERT INTO lovage.task_event (task_id, number, type, attempt, data)
  SELECT e.id, e.events, e.state::text, e.attempt,
         jsonb_build_object('by', lovage.actor(), 'reason', 'the queue was truncated')
  FROM ended e;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- pg-boss names partitions directly, and statement triggers of a parent do not fire for those: attach to both.
CREATE FUNCTION lovage.attach_journal(job_table text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format('CREATE OR REPLACE TRIGGER lovage_insert AFTER INSERT ON pgboss.%I REFERENCING NEW TABLE AS fresh
                  FOR EACH STATEMENT EXECUTE FUNCTION lovage.journal_write()', job_table);
  EXECUTE format('CREATE OR REPLACE TRIGGER lovage_update AFTER UPDATE ON pgboss.%I REFERENCING NEW TABLE AS fresh
                  FOR EACH STATEMENT EXECUTE FUNCTION lovage.journal_write()', job_table);
  EXECUTE format('CREATE OR REPLACE TRIGGER lovage_delete AFTER DELETE ON pgboss.%I REFERENCING OLD TABLE AS gone
                  FOR EACH STATEMENT EXECUTE FUNCTION lovage.journal_delete()', job_table);
  EXECUTE format('CREATE OR REPLACE TRIGGER lovage_truncate AFTER TRUNCATE ON pgboss.%I
                  FOR EACH STATEMENT EXECUTE FUNCTION lovage.journal_truncate()', job_table);
END
$$;
