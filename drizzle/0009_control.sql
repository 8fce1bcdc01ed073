-- What callers and operators ask for by hand: pause and resume, retry and cancel of many, and why a task does not run.

-- Nothing of a paused queue is claimed; what runs goes on. Returns paused, already_paused or not_found.
CREATE FUNCTION lovage.pause(queue text, reason text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE lovage.queue_control q SET paused_at = now(), paused_by = lovage.actor(), pause_reason = pause.reason
  WHERE q.queue = pause.queue AND q.paused_at IS NULL;
  IF FOUND THEN
    RETURN 'paused';
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM lovage.queue_control q WHERE q.queue = pause.queue)
              THEN 'already_paused' ELSE 'not_found' END;
END
$$;
--> statement-breakpoint
-- Returns resumed, not_paused or not_found.
CREATE FUNCTION lovage.resume(queue text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE lovage.queue_control q SET paused_at = NULL, paused_by = NULL, pause_reason = NULL
  WHERE q.queue = resume.queue AND q.paused_at IS NOT NULL;
  IF FOUND THEN
    PERFORM pg_notify('lovage_ready', resume.queue);
    RETURN 'resumed';
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM lovage.queue_control q WHERE q.queue = resume.queue)
              THEN 'not_paused' ELSE 'not_found' END;
END
$$;
--> statement-breakpoint
-- Whether the running jobs of a queue can be found without reading all that waits: a queue whose places are counted has
-- an index of them, and of the others 16 MB (some 100,000 jobs) are read in 20 ms.
CREATE FUNCTION lovage.tells_running(job_table text) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT to_regclass(format('pgboss.%I', job_table || '_busy')) IS NOT NULL
         OR pg_relation_size(to_regclass(format('pgboss.%I', job_table))) <= 16777216
$$;
--> statement-breakpoint
-- The running attempts of a queue; none where they cannot be told from what waits. That a name has a length is what the
-- index of them asks for.
CREATE FUNCTION lovage.running_attempts(of_queue text)
RETURNS TABLE (id uuid, worker_id uuid, concurrency_key text, started_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET enable_bitmapscan = on
AS $$
DECLARE
  job_table text := (SELECT q.job_table FROM lovage.live_queues() q WHERE q.queue = of_queue);
BEGIN
  IF lovage.tells_running(job_table) THEN
    RETURN QUERY EXECUTE format(
      'SELECT j.id, t.worker_id, j.singleton_key, t.started_at
       FROM (SELECT a.id, a.singleton_key FROM pgboss.%I a
             WHERE a.name = $1 AND a.state = ''active'' AND length(a.name) > 0 OFFSET 0) j
       CROSS JOIN LATERAL (SELECT w.worker_id, w.started_at FROM lovage.task w WHERE w.id = j.id OFFSET 0) t', job_table)
    USING of_queue;
  END IF;
END
$$;
--> statement-breakpoint
-- How many tasks of a queue wait, also those not yet due, counted up to `at_most`; and how many run, null where that cannot
-- be told cheaply.
CREATE FUNCTION lovage.count_queue(of_queue text, at_most int, OUT waiting int, OUT running int)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
  job_table text := (SELECT q.job_table FROM lovage.live_queues() q WHERE q.queue = of_queue);
BEGIN
  waiting := 0;
  IF job_table IS NULL THEN
    running := 0;
    RETURN;
  END IF;
  EXECUTE format('SELECT count(*) FROM (SELECT FROM pgboss.%I WHERE name = $1 AND state < ''active'' AND NOT blocked LIMIT $2) w', job_table)
  INTO waiting USING of_queue, at_most;
  IF lovage.tells_running(job_table) THEN
    running := (SELECT count(*) FROM lovage.running_attempts(of_queue));
  END IF;
END
$$;
--> statement-breakpoint
-- Runs final tasks again, under their own ids, with their budgets renewed and their histories kept, also where the
-- job is long gone. Returns those that were queued: of two retries at once, one has queued a task.
CREATE FUNCTION lovage.retry_tasks(ids uuid[]) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE
  final uuid[];
  of_queue record;
  queued uuid[];
BEGIN
  SELECT array_agg(t.id) INTO final FROM lovage.task t WHERE t.id = ANY (ids) AND lovage.is_final(t.state);
  -- What psql left of a final job makes room.
  FOR of_queue IN
    SELECT q.queue, q.job_table, array_agg(t.id) AS ids
    FROM lovage.task t JOIN lovage.live_queues() q ON q.queue = t.queue
    WHERE t.id = ANY (final)
    GROUP BY q.queue, q.job_table ORDER BY q.queue
  LOOP
    EXECUTE format(
      'DELETE FROM pgboss.%1$I WHERE name = $1 AND id = ANY (ARRAY(
         SELECT j.id FROM pgboss.%1$I j WHERE j.name = $1 AND j.id = ANY ($2) AND j.state > ''active'' ORDER BY j.id FOR UPDATE))',
      of_queue.job_table)
    USING of_queue.queue, of_queue.ids;
  END LOOP;
  -- Who removes a task meanwhile waits, or has removed it: a job without a task would be adopted as a new one.
  final := ARRAY(SELECT t.id FROM lovage.task t WHERE t.id = ANY (final) ORDER BY t.id FOR KEY SHARE);
  queued := lovage.restore_jobs(final, 'created');
  UPDATE lovage.task t
  SET failures = 0, crashes = 0, error = NULL, cancel_outcome = NULL, overdue_at = NULL
  WHERE t.id = ANY (queued);
  DELETE FROM lovage.task_progress p WHERE p.task_id = ANY (queued);
  PERFORM pg_notify('lovage_ready', moved.queue) FROM (SELECT DISTINCT t.queue FROM lovage.task t WHERE t.id = ANY (queued)) moved;
  RETURN queued;
END
$$;
--> statement-breakpoint
-- Runs a final task again, under its own id, with its budget renewed and its history kept.
-- Returns queued, not_final or not_found.
CREATE OR REPLACE FUNCTION lovage.retry(task_id uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM lovage.task t WHERE t.id = retry.task_id) THEN
    RETURN 'not_found';
  END IF;
  RETURN CASE WHEN cardinality(lovage.retry_tasks(ARRAY[retry.task_id])) > 0 THEN 'queued' ELSE 'not_final' END;
END
$$;
--> statement-breakpoint
-- Cancels tasks as lovage.cancel() does one, in one transaction: waiting ones at once, running ones when their handlers
-- have stopped. `waiting` and `running` say which of both is meant: a task may have changed since it was picked.
CREATE FUNCTION lovage.cancel_tasks(ids uuid[], reason text DEFAULT NULL, waiting boolean DEFAULT true,
                                    running boolean DEFAULT true, OUT cancelled uuid[], OUT requested uuid[])
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE
  of_queue record;
  held_waiting uuid[];
  held_running uuid[];
  live bigint;
BEGIN
  cancelled := '{}';
  requested := '{}';
  -- All jobs first, then the tasks: the order of locks.
  FOR of_queue IN
    SELECT q.queue, q.job_table, array_agg(t.id) AS ids
    FROM lovage.task t JOIN lovage.live_queues() q ON q.queue = t.queue
    WHERE t.id = ANY (cancel_tasks.ids) AND NOT lovage.is_final(t.state)
    GROUP BY q.queue, q.job_table ORDER BY q.queue
  LOOP
    EXECUTE format(
      'SELECT coalesce(array_agg(held.id) FILTER (WHERE held.state < ''active''), ''{}''),
              coalesce(array_agg(held.id) FILTER (WHERE held.state = ''active''), ''{}'')
       FROM (SELECT j.id, j.state FROM pgboss.%I j
             WHERE j.name = $1 AND j.id = ANY ($2) AND j.state <= ''active'' ORDER BY j.id FOR UPDATE) held', of_queue.job_table)
    INTO held_waiting, held_running USING of_queue.queue, of_queue.ids;
    EXECUTE format('SELECT count(*) FROM pgboss.%I j WHERE j.name = $1 AND j.id = ANY ($2) AND j.state <= ''active''', of_queue.job_table)
    INTO live USING of_queue.queue, of_queue.ids;
    IF live > cardinality(held_waiting) + cardinality(held_running) THEN
      RAISE EXCEPTION 'a job was made anew while it was waited for' USING ERRCODE = 'serialization_failure';
    END IF;
    cancelled := cancelled || held_waiting;
    requested := requested || held_running;
  END LOOP;
  cancelled := CASE WHEN waiting THEN cancelled ELSE '{}' END;
  requested := CASE WHEN running THEN requested ELSE '{}' END;

  PERFORM set_config('lovage.reason', coalesce(cancel_tasks.reason, ''), true);
  PERFORM lovage.request_cancel(requested);
  PERFORM set_config('lovage.outcome', 'cancelled', true);
  FOR of_queue IN
    SELECT q.queue, q.job_table, array_agg(t.id) AS ids
    FROM lovage.task t JOIN lovage.live_queues() q ON q.queue = t.queue
    WHERE t.id = ANY (cancelled)
    GROUP BY q.queue, q.job_table ORDER BY q.queue
  LOOP
    EXECUTE format('DELETE FROM pgboss.%I WHERE name = $1 AND id = ANY ($2)', of_queue.job_table) USING of_queue.queue, of_queue.ids;
  END LOOP;
  PERFORM set_config('lovage.outcome', '', true), set_config('lovage.reason', '', true);
END
$$;
--> statement-breakpoint
CREATE FUNCTION lovage.iso_time(at timestamptz) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;
--> statement-breakpoint
-- Workers that claim from a queue now.
CREATE FUNCTION lovage.serving_workers(of_queue text) RETURNS SETOF lovage.worker
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT w.* FROM lovage.worker w
  WHERE of_queue = ANY (w.queues) AND w.stopped_at IS NULL AND w.lost_at IS NULL AND NOT w.draining
    AND w.heartbeat_at > now() - interval '15 s'
$$;
--> statement-breakpoint
-- Why nobody claims it: no worker serves its queue, or none knows its name. A worker that does not tell which names it
-- knows says nothing about them.
CREATE FUNCTION lovage.lacks_worker(t lovage.task) RETURNS TABLE (reason text, since timestamptz, detail text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 'no_worker',
         coalesce((SELECT max(coalesce(w.stopped_at, w.heartbeat_at)) FROM lovage.worker w WHERE t.queue = ANY (w.queues)), t.created_at),
         format('no live worker serves queue "%s"', t.queue)
  WHERE NOT EXISTS (SELECT FROM lovage.serving_workers(t.queue))
  UNION ALL
  SELECT 'unknown_name',
         coalesce((SELECT max(coalesce(w.stopped_at, w.heartbeat_at)) FROM lovage.worker w
                   WHERE t.queue = ANY (w.queues) AND t.name = ANY (w.tasks)),
                  greatest(t.created_at, min(s.started_at))),
         format('%s serve queue "%s", and none knows "%s"', count(*), t.queue, t.name)
  FROM lovage.serving_workers(t.queue) s
  WHERE s.tasks <> '{}'
  HAVING count(*) > 0 AND NOT bool_or(t.name = ANY (s.tasks))
$$;
--> statement-breakpoint
-- The limits of its queue that are reached.
CREATE FUNCTION lovage.over_limits(t lovage.task) RETURNS TABLE (reason text, since timestamptz, detail text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 'cluster_limit', max(r.started_at), format('%s of queue "%s" run, and %s may', count(*), t.queue, q.max_running)
  FROM lovage.queue_control q CROSS JOIN LATERAL lovage.running_attempts(q.queue) r
  WHERE q.queue = t.queue AND q.max_running IS NOT NULL
  GROUP BY q.max_running
  HAVING count(*) >= q.max_running
  UNION ALL
  SELECT 'key_busy', min(r.started_at), format('%s with the key "%s" run, and %s may', count(*), t.concurrency_key, q.max_per_key)
  FROM lovage.queue_control q CROSS JOIN LATERAL lovage.running_attempts(q.queue) r
  WHERE q.queue = t.queue AND q.max_per_key IS NOT NULL AND r.concurrency_key = t.concurrency_key
  GROUP BY q.max_per_key
  HAVING count(*) >= q.max_per_key
  UNION ALL
  SELECT 'rate_limited', max(s.at),
         format('%s have started within %s ms, and %s may; the next one may at %s', max(s.total), q.rate_period_ms, q.rate_limit,
                lovage.iso_time(min(s.at) FILTER (WHERE s.total - s.so_far < q.rate_limit) + q.rate_period_ms * interval '1 ms'))
  FROM lovage.queue_control q
  CROSS JOIN LATERAL (
    SELECT c.at, sum(c.started) OVER (ORDER BY c.at) AS so_far, sum(c.started) OVER () AS total
    FROM lovage.queue_start c
    WHERE c.queue = q.queue AND c.at >= now() - q.rate_period_ms * interval '1 ms') s
  WHERE q.queue = t.queue AND q.rate_limit IS NOT NULL
  GROUP BY q.rate_limit, q.rate_period_ms
  HAVING max(s.total) >= q.rate_limit
$$;
--> statement-breakpoint
-- Every worker that could take it is full.
CREATE FUNCTION lovage.lacks_slot(t lovage.task) RETURNS TABLE (reason text, since timestamptz, detail text)
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
  HAVING count(*) > 0 AND bool_and(coalesce(b.running, 0) >= a.slots)
$$;
--> statement-breakpoint
-- How many of its queue are due before it, in the order of the claim: priority, then age. Of those that stand before it,
-- due or not, 10,000 of higher priority and as many of its own are looked at.
CREATE FUNCTION lovage.stands_behind(t lovage.task) RETURNS TABLE (reason text, since timestamptz, detail text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
DECLARE
  job_table text := lovage.job_table(t.queue);
  job_priority int;
  job_created timestamptz;
  due bigint;
  seen bigint;
BEGIN
  EXECUTE format('SELECT priority, created_on FROM pgboss.%I WHERE name = $1 AND id = $2', job_table)
  INTO job_priority, job_created USING t.queue, t.id;
  EXECUTE format(
    'SELECT count(*) FILTER (WHERE start_after <= now() AND (is_higher OR created_on < $3 OR id < $4)),
            greatest(count(*) FILTER (WHERE is_higher), count(*) FILTER (WHERE NOT is_higher))
     FROM ((SELECT id, created_on, start_after, true AS is_higher FROM pgboss.%1$I
            WHERE name = $1 AND state < ''active'' AND NOT blocked AND priority > $2
            ORDER BY priority DESC, created_on LIMIT 10000)
           UNION ALL
           (SELECT id, created_on, start_after, false FROM pgboss.%1$I
            WHERE name = $1 AND state < ''active'' AND NOT blocked AND priority = $2 AND created_on <= $3
            ORDER BY priority DESC, created_on LIMIT 10000)) ahead', job_table)
  INTO due, seen USING t.queue, job_priority, job_created, t.id;
  IF due > 0 THEN
    RETURN QUERY SELECT 'behind', t.due_at,
      format('%s%s of queue "%s" are due before it', CASE WHEN seen >= 10000 THEN 'at least ' ELSE '' END, due, t.queue);
  END IF;
END
$$;
--> statement-breakpoint
-- All that holds back a task that waits in its queue.
CREATE FUNCTION lovage.held_back(t lovage.task, waits_since timestamptz)
RETURNS TABLE (reason text, since timestamptz, detail text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 'paused', q.paused_at,
         concat_ws(': ', concat_ws(' by ', format('queue "%s" is paused', q.queue), q.paused_by), q.pause_reason)
  FROM lovage.queue_control q WHERE q.queue = t.queue AND q.paused_at IS NOT NULL
  UNION ALL SELECT 'not_due', waits_since, 'due at ' || lovage.iso_time(t.due_at) WHERE t.due_at > now()
  UNION ALL SELECT * FROM lovage.lacks_worker(t)
  -- What is not due takes no place yet.
  UNION ALL SELECT * FROM lovage.over_limits(t) WHERE t.due_at <= now()
  UNION ALL SELECT * FROM lovage.lacks_slot(t) WHERE t.due_at <= now()
  UNION ALL SELECT * FROM lovage.stands_behind(t) WHERE t.due_at <= now()
$$;
--> statement-breakpoint
-- Why a task is not running now, the most decisive reason first, and since when. Nothing for an id that is unknown,
-- else at least one row.
CREATE FUNCTION lovage.explain(task_id uuid) RETURNS TABLE (reason text, since timestamptz, detail text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE
  t lovage.task;
  -- Its last event is what made it wait, or ended it.
  changed lovage.task_event;
BEGIN
  SELECT * INTO t FROM lovage.task w WHERE w.id = explain.task_id;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT * INTO changed FROM lovage.task_event e WHERE e.task_id = t.id AND e.number = t.events;

  IF lovage.is_final(t.state) THEN
    RETURN QUERY SELECT 'final', t.finished_at,
                        concat_ws(': ', t.state::text, CASE t.state WHEN 'failed' THEN t.error ->> 'message' ELSE changed.data ->> 'reason' END);
  ELSIF t.state = 'running' THEN
    RETURN QUERY SELECT 'running', t.started_at, format('attempt %s, on worker %s', t.attempt, coalesce(t.worker_id::text, 'unknown'));
    RETURN QUERY SELECT 'overdue', t.overdue_at, 'it should have stopped by now, and ends when its handler returns or its worker dies'
                 WHERE t.overdue_at >= t.started_at;
  ELSIF t.state = 'waiting' THEN
    RETURN QUERY SELECT 'waiting_for_children', coalesce(changed.at, t.created_at), 'it goes on when its child tasks are final';
  ELSIF NOT EXISTS (SELECT FROM lovage.live_queues() q WHERE q.queue = t.queue) THEN
    RETURN QUERY SELECT 'no_queue', coalesce(changed.at, t.created_at),
                        format('queue "%s" is gone; lovage migrate brings back one that is declared', t.queue);
  ELSE
    RETURN QUERY SELECT * FROM lovage.held_back(t, coalesce(changed.at, t.created_at));
    IF NOT FOUND THEN
      RETURN QUERY SELECT 'ready', t.due_at, 'nothing holds it back: the next claim takes it';
    END IF;
  END IF;
END
$$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION lovage.tells_running(text), lovage.pause(text, text), lovage.resume(text), lovage.count_queue(text, int), lovage.retry_tasks(uuid[]),
  lovage.cancel_tasks(uuid[], text, boolean, boolean), lovage.iso_time(timestamptz), lovage.serving_workers(text),
  lovage.running_attempts(text), lovage.lacks_worker(lovage.task), lovage.over_limits(lovage.task), lovage.lacks_slot(lovage.task),
  lovage.stands_behind(lovage.task), lovage.held_back(lovage.task, timestamptz), lovage.explain(uuid) FROM PUBLIC;
