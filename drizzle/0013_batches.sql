-- Tasks that belong together: batches, and parents that wait for their children.
--
-- The end of such a task is noted in lovage.task_end, in its own transaction, whoever ended it: nobody who settles waits for
-- others that settle. Workers draw the consequences (lovage.follow_up): what a batch and a parent see of their tasks is then
-- committed, so of two last ones that end together one look is enough, and a second changes nothing.
--
-- Lock order: job rows, then task rows, then batch rows.

CREATE FUNCTION lovage.task_moved() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
  belongs boolean := NEW.batch_id IS NOT NULL OR NEW.parent_id IS NOT NULL;
  leaves_children boolean;
BEGIN
  IF OLD.state = 'waiting' THEN
    DELETE FROM lovage.task_wait w WHERE w.task_id = NEW.id;
  END IF;
  IF NOT lovage.is_final(NEW.state) THEN
    RETURN NULL;
  END IF;
  IF belongs THEN
    INSERT INTO lovage.task_end (task_id, batch_id, parent_id) VALUES (NEW.id, NEW.batch_id, NEW.parent_id);
  END IF;
  -- A row that names neither: its children are to be cancelled.
  leaves_children := NEW.state = 'cancelled'
                     AND EXISTS (SELECT FROM lovage.task c WHERE c.parent_id = NEW.id AND NOT lovage.is_final(c.state));
  IF leaves_children THEN
    INSERT INTO lovage.task_end (task_id) VALUES (NEW.id);
  END IF;
  IF belongs OR leaves_children THEN
    PERFORM pg_notify('lovage_follow', '');
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- The condition keeps all others away: what belongs to nothing pays for a comparison.
CREATE TRIGGER lovage_moved AFTER UPDATE OF state ON lovage.task FOR EACH ROW
WHEN ((NEW.batch_id IS NOT NULL OR NEW.parent_id IS NOT NULL OR NEW.state = 'cancelled' OR OLD.state = 'waiting')
      AND OLD.state <> NEW.state)
EXECUTE FUNCTION lovage.task_moved();
--> statement-breakpoint
-- The time stands in front, in microseconds: ids of one call that count it up keep their order.
CREATE FUNCTION lovage.uuid_v7_at(us bigint) RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT encode(
    int8send((us / 1000) << 16 | 28672 | (us % 1000) * 4096 / 1000)
      || set_byte(r, 0, (get_byte(r, 0) & 63) | 128),
    'hex')::uuid
  FROM (SELECT substring(uuid_send(gen_random_uuid()) FROM 9) AS r) AS noise
$$;
--> statement-breakpoint
-- What waiting attempts wait for: outcomes as lovage.settle() takes them, of those `ids` that it puts back.
CREATE FUNCTION lovage.note_waits(ids uuid[], outcomes jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO lovage.task_wait AS w (task_id, children)
  SELECT o.id, o.children
  FROM jsonb_to_recordset(outcomes) AS o (id uuid, kind text, children uuid[])
  WHERE o.kind = 'waiting' AND o.id = ANY (ids)
  ON CONFLICT (task_id) DO UPDATE SET children = excluded.children, since = now()
$$;
--> statement-breakpoint
-- Queues those waiting tasks whose children have all ended. The caller holds their jobs since a statement before this one: a
-- child that ended meanwhile is seen here, and one that ends later finds the parent waiting.
CREATE FUNCTION lovage.wake_parents(of_queue text, ids uuid[]) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE
  woken uuid[];
BEGIN
  PERFORM set_config('lovage.event', 'woken', true);
  EXECUTE format(
    'WITH woken AS (
       UPDATE pgboss.%I j SET blocked = false, start_after = now()
       WHERE j.name = $1 AND j.id = ANY ($2) AND j.state = ''created'' AND j.blocked
         AND NOT EXISTS (SELECT FROM lovage.task_wait w CROSS JOIN LATERAL unnest(w.children) AS c (id)
                         JOIN lovage.task t ON t.id = c.id
                         WHERE w.task_id = j.id AND NOT lovage.is_final(t.state))
       RETURNING j.id)
     SELECT array_agg(id) FROM woken', lovage.job_table(of_queue))
  INTO woken USING of_queue, ids;
  PERFORM set_config('lovage.event', '', true);
  PERFORM pg_notify('lovage_ready', of_queue) WHERE woken IS NOT NULL;
  RETURN woken;
END
$$;
--> statement-breakpoint
-- Which of its children a waiting task waits for.
CREATE FUNCTION lovage.awaits_children(t lovage.task) RETURNS TABLE (reason text, since timestamptz, detail text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 'waiting_for_children', max(coalesce(w.since, t.created_at)),
         CASE count(c.id) WHEN 0 THEN 'its child tasks are final: it is about to be queued'
         ELSE format('%s of %s child tasks are not final: %s%s', count(c.id), max(cardinality(w.children)),
                     string_agg(format('"%s" %s %s (%s)', c.parent_step, c.name, c.id, c.state), ', ' ORDER BY c.id) FILTER (WHERE c.place <= 10),
                     CASE WHEN count(c.id) > 10 THEN ' …' ELSE '' END) END
  FROM (SELECT t.id) own
  LEFT JOIN lovage.task_wait w ON w.task_id = own.id
  LEFT JOIN LATERAL (SELECT s.id, s.name, s.parent_step, s.state, row_number() OVER (ORDER BY s.id) AS place
                     FROM lovage.task s WHERE s.id = ANY (w.children) AND NOT lovage.is_final(s.state)) c ON true
$$;
--> statement-breakpoint
-- As before, but that a job which is held back (pg-boss's `blocked`) is the job of a task that waits for its children.
CREATE OR REPLACE FUNCTION lovage.journal_write() RETURNS trigger
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
                 CASE f.state WHEN 'created' THEN CASE WHEN f.blocked THEN 'waiting' ELSE 'queued' END WHEN 'retry' THEN 'retrying' WHEN 'active' THEN 'running'
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
             WHEN 'waiting' THEN jsonb_strip_nulls(jsonb_build_object('by', actor,
                    'children', (SELECT to_jsonb(w.children) FROM lovage.task_wait w WHERE w.task_id = m.id)))
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
-- As before, but that the job of a waiting task comes back held back.
CREATE OR REPLACE FUNCTION lovage.restore_jobs(ids uuid[], as_state text) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  restored uuid[];
BEGIN
  WITH back AS (
    INSERT INTO pgboss.job (id, name, data, priority, state, retry_limit, retry_count, expire_seconds,
                            singleton_key, start_after, created_on, started_on, keep_until, policy, blocked)
    SELECT t.id, t.queue, jsonb_build_object('name', t.name), t.priority, as_state::pgboss.job_state,
           1000000000, greatest(t.attempt - 1, 0), 2147483647, t.concurrency_key,
           CASE WHEN lovage.is_final(t.state) THEN now() ELSE t.due_at END, now(),
           CASE WHEN t.attempt > 0 THEN coalesce(t.started_at, now()) END, '9999-01-01', 'standard',
           as_state = 'created' AND t.state = 'waiting'
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
-- Ends attempts, many in one transaction. outcomes is an array of {id, attempt, kind, ...}:
--   succeeded {output, ttlMs}          failed {error, isCrash?}     cancelled {}
--   retrying {error, delayMs}          crashed {error, reason, delayMs}
--   handed_back {reason, delayMs}      snoozed {reason, delayMs}
--   waiting {children}
-- each with the progress and events not yet written, and with cancelEnd, which tells how it ended should it be cancelled. An
-- attempt that is no longer the task's own is left alone; a cancel that was asked for before wins over any outcome. Returns
-- what was accepted: a task whose children have all ended by now is queued at once.
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
  woken uuid[];
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
         array_agg(o.id) FILTER (WHERE o.kind IN ('retrying', 'crashed', 'handed_back', 'snoozed', 'waiting')),
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
    IF outcomes @? '$[*].children' THEN
      PERFORM lovage.note_waits(back, outcomes);
    END IF;
    PERFORM lovage.put_back(of_queue, back, outcomes);
    IF outcomes @? '$[*].children' THEN
      -- A child may have ended before this began: whoever follows it up saw a parent that still ran.
      woken := lovage.wake_parents(of_queue, back);
    END IF;
  END IF;

  PERFORM set_config('lovage.worker', '', true);
  RETURN QUERY
  SELECT unnest(succeeded), 'succeeded'::lovage.task_state
  UNION ALL SELECT unnest(failed), 'failed'
  UNION ALL SELECT unnest(cancelled), 'cancelled'
  UNION ALL
  SELECT o.id, CASE WHEN o.kind = 'retrying' THEN 'retrying' WHEN o.kind <> 'waiting' OR o.id = ANY (woken) THEN 'queued'
              ELSE 'waiting' END::lovage.task_state
  FROM jsonb_to_recordset(outcomes) AS o (id uuid, kind text)
  WHERE o.id = ANY (back);
END
$$;
--> statement-breakpoint
-- Puts held running jobs back in place: started_on and retry_count stay, so the next claim gets the next number. One that
-- waits for children is held back.
CREATE OR REPLACE FUNCTION lovage.put_back(of_queue text, ids uuid[], outcomes jsonb) RETURNS void
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
       SET state = $4::pgboss.job_state, blocked = $5, start_after = now() + coalesce(o."delayMs", 0) * interval ''1 ms''
       FROM jsonb_to_recordset($1) AS o (id uuid, "delayMs" double precision)
       WHERE j.name = $2 AND j.id = o.id AND j.id = ANY ($3)', lovage.job_table(of_queue))
    USING outcomes, of_queue, wanted.ids, CASE wanted.kind WHEN 'retrying' THEN 'retry' ELSE 'created' END,
          wanted.kind = 'waiting';
  END LOOP;
  PERFORM set_config('lovage.event', '', true), set_config('lovage.reason', '', true);
END
$$;
--> statement-breakpoint
-- Why a task is not running now, the most decisive reason first, and since when. Nothing for an id that is unknown,
-- else at least one row.
CREATE OR REPLACE FUNCTION lovage.explain(task_id uuid) RETURNS TABLE (reason text, since timestamptz, detail text)
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
  SELECT * INTO changed FROM lovage.task_event e
  WHERE e.task_id = t.id AND e.type NOT IN ('webhook', 'archived') ORDER BY e.number DESC LIMIT 1;

  IF lovage.is_final(t.state) THEN
    RETURN QUERY SELECT 'final', t.finished_at,
                        concat_ws(': ', t.state::text, CASE t.state WHEN 'failed' THEN t.error ->> 'message' ELSE changed.data ->> 'reason' END);
  ELSIF t.state = 'running' THEN
    RETURN QUERY SELECT 'running', t.started_at, format('attempt %s, on worker %s', t.attempt, coalesce(t.worker_id::text, 'unknown'));
    RETURN QUERY SELECT 'overdue', t.overdue_at, 'it should have stopped by now, and ends when its handler returns or its worker dies'
                 WHERE t.overdue_at >= t.started_at;
  ELSIF t.state = 'waiting' THEN
    RETURN QUERY SELECT * FROM lovage.awaits_children(t);
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
-- Mends what no trigger saw: triggers switched off, a table dropped, a restore. Safe beside live workers, and to
-- repeat. Returns one row per mend.
CREATE OR REPLACE FUNCTION lovage.reconcile() RETURNS TABLE (mended text, task_id uuid)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  ids uuid[];
  declared text;
BEGIN
  -- Triggers of pg-boss's tables first: what follows relies on them.
  PERFORM lovage.attach_journal(c.relname)
  FROM (SELECT 'job'::name AS relname UNION SELECT q.job_table::name FROM lovage.queue_control q) c
  WHERE to_regclass(format('pgboss.%I', c.relname)) IS NOT NULL
    AND 4 > (SELECT count(*) FROM pg_trigger g
             WHERE g.tgrelid = to_regclass(format('pgboss.%I', c.relname)) AND g.tgname LIKE 'lovage\_%' AND g.tgenabled IN ('O', 'A'));
  PERFORM set_config('lovage.actor', 'lovage', true), set_config('lovage.reason', 'reconciled', true),
          set_config('lovage.reconciling', 'on', true);

  -- A final task's live job goes: the task's own history says that it ended.
  WITH gone AS (
    DELETE FROM pgboss.job j USING lovage.task t
    WHERE j.name = t.queue AND j.id = t.id AND j.state <= 'active' AND lovage.is_final(t.state)
    RETURNING j.id)
  SELECT array_agg(id) INTO ids FROM gone;
  RETURN QUERY SELECT 'removed the job of a final task', unnest(ids);

  -- Jobs and tasks that disagree: the job is the truth; a touch lets the journal follow, and adopt what it never saw.
  -- A claim that it never saw has no worker whose settle would be accepted, or whose death noticed: it is undone.
  WITH drifted AS (
    SELECT j.name, j.id,
           j.state = 'active' AND (t.id IS NULL OR t.state <> 'running' OR t.attempt < j.retry_count + 1) AS is_unseen_claim
    FROM pgboss.job j JOIN lovage.queue_control q ON q.queue = j.name
    LEFT JOIN lovage.task t ON t.id = j.id
    WHERE t.id IS NULL
       OR (j.state > 'active' AND NOT lovage.is_final(t.state))
       OR (j.state <= 'active'
           AND (t.state::text <> CASE j.state WHEN 'created' THEN CASE WHEN j.blocked THEN 'waiting' ELSE 'queued' END
                                              WHEN 'retry' THEN 'retrying' ELSE 'running' END
                OR (j.state = 'active' AND t.attempt <> j.retry_count + 1)))
    ORDER BY j.id FOR UPDATE OF j
  ), touched AS (
    UPDATE pgboss.job j SET state = CASE WHEN d.is_unseen_claim THEN 'created' ELSE j.state END
    FROM drifted d WHERE j.name = d.name AND j.id = d.id RETURNING j.id)
  SELECT array_agg(id) INTO ids FROM touched;
  RETURN QUERY SELECT 'brought the task in line with its job', unnest(ids);

  -- Tasks whose job is gone run again: as running ones where their worker may still settle them.
  SELECT array_agg(t.id) INTO ids FROM lovage.task t
  WHERE t.state = 'running' AND NOT EXISTS (SELECT FROM pgboss.job j WHERE j.name = t.queue AND j.id = t.id);
  ids := lovage.restore_jobs(ids, 'active');
  RETURN QUERY SELECT 'restored the job of a running task', unnest(ids);
  SELECT array_agg(t.id) INTO ids FROM lovage.task t
  WHERE t.state IN ('queued', 'waiting') AND NOT EXISTS (SELECT FROM pgboss.job j WHERE j.name = t.queue AND j.id = t.id);
  ids := lovage.restore_jobs(ids, 'created');
  RETURN QUERY SELECT 'restored the job of a queued task', unnest(ids);
  SELECT array_agg(t.id) INTO ids FROM lovage.task t
  WHERE t.state = 'retrying' AND NOT EXISTS (SELECT FROM pgboss.job j WHERE j.name = t.queue AND j.id = t.id);
  ids := lovage.restore_jobs(ids, 'retry');
  RETURN QUERY SELECT 'restored the job of a retrying task', unnest(ids);

  -- Ends that nobody noted: their parents and batches are looked at as if they had been.
  WITH lost AS (
    DELETE FROM lovage.task_wait w
    WHERE NOT EXISTS (SELECT FROM lovage.task t WHERE t.id = w.task_id AND t.state = 'waiting')
    RETURNING w.task_id AS id)
  SELECT array_agg(id) INTO ids FROM lost;
  RETURN QUERY SELECT 'forgot what a task waited for', unnest(ids);
  WITH noted AS (
    INSERT INTO lovage.task_end (task_id, parent_id)
    SELECT t.id, t.id FROM lovage.task t
    WHERE t.state = 'waiting' AND NOT EXISTS (SELECT FROM lovage.task_end e WHERE e.parent_id = t.id)
      AND NOT EXISTS (SELECT FROM lovage.task_wait w JOIN lovage.task c ON c.id = ANY (w.children)
                      WHERE w.task_id = t.id AND NOT lovage.is_final(c.state))
    RETURNING task_end.task_id AS id)
  SELECT array_agg(id) INTO ids FROM noted;
  RETURN QUERY SELECT 'a task waited for nothing', unnest(ids);
  WITH noted AS (
    INSERT INTO lovage.task_end (task_id, batch_id)
    SELECT b.id, b.id FROM lovage.batch b
    WHERE b.finished_at IS NULL AND NOT EXISTS (SELECT FROM lovage.task_end e WHERE e.batch_id = b.id)
      AND NOT EXISTS (SELECT FROM lovage.task t WHERE t.batch_id = b.id AND NOT lovage.is_final(t.state))
    RETURNING task_end.task_id AS id)
  SELECT array_agg(id) INTO ids FROM noted;
  RETURN QUERY SELECT 'nobody noticed the end of a batch', unnest(ids);
  PERFORM pg_notify('lovage_follow', '') WHERE EXISTS (SELECT FROM lovage.task_end);

  -- A worker that ended, or was rescued some time ago, settles nothing more: what still runs in its name runs again.
  FOR declared IN SELECT q.queue FROM lovage.live_queues() q LOOP
    SELECT array_agg(held.id) INTO ids FROM (
      SELECT j.id FROM pgboss.job j JOIN lovage.task t ON t.id = j.id JOIN lovage.worker w ON w.id = t.worker_id
      WHERE j.name = declared AND j.state = 'active' AND (w.stopped_at IS NOT NULL OR w.lost_at < now() - interval '1 minute')
      ORDER BY j.id FOR UPDATE OF j) held;
    CONTINUE WHEN ids IS NULL;
    PERFORM lovage.settle_lost(declared, ids);
    RETURN QUERY SELECT 'queued a task again whose worker has ended', unnest(ids);
  END LOOP;
  PERFORM set_config('lovage.actor', 'lovage', true), set_config('lovage.reason', 'reconciled', true);

  -- Results belong to succeeded tasks only.
  WITH gone AS (
    DELETE FROM lovage.task_result r WHERE NOT EXISTS (SELECT FROM lovage.task t WHERE t.id = r.task_id AND t.state = 'succeeded')
    RETURNING r.task_id AS id)
  SELECT array_agg(id) INTO ids FROM gone;
  RETURN QUERY SELECT 'removed a result without a success', unnest(ids);

  PERFORM set_config('lovage.reconciling', '', true), set_config('lovage.actor', '', true), set_config('lovage.reason', '', true);
END
$$;
--> statement-breakpoint
-- Makes the children of a running attempt, or finds those that an earlier attempt made: a child is unique by its parent and
-- `parentStep`. tasks is an array as lovage.add_tasks() takes it; whose tenant and author they are, their parent says, and how
-- urgent they are where nothing else is said. An attempt that is no longer the task's own makes none, and gets no row back.
CREATE FUNCTION lovage.add_children(of_queue text, of_parent uuid, of_attempt int, tasks jsonb)
RETURNS TABLE (place int, child_id uuid, is_same boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE
  attempts jsonb := jsonb_build_array(jsonb_build_object('id', of_parent, 'attempt', of_attempt));
  held uuid[] := lovage.lock_attempts(of_queue, attempts);
  parent lovage.task;
  us bigint := extract(epoch FROM clock_timestamp()) * 1000000;
  fresh jsonb;
  made jsonb;
BEGIN
  IF cardinality(held) = 0 THEN
    PERFORM lovage.of_running(of_queue, attempts, held);
    RETURN;
  END IF;
  SELECT * INTO parent FROM lovage.task t WHERE t.id = of_parent;
  SELECT jsonb_agg(n.entry || jsonb_build_object(
           'id', lovage.uuid_v7_at(us + n.position), 'parentId', of_parent, 'tenant', parent.tenant, 'createdBy', parent.created_by,
           'priority', coalesce((n.entry ->> 'priority')::int, parent.priority)))
  INTO fresh
  FROM (SELECT DISTINCT ON (e.entry ->> 'parentStep') e.entry, e.position
        FROM jsonb_array_elements(tasks) WITH ORDINALITY AS e (entry, position)
        ORDER BY e.entry ->> 'parentStep', e.position) n
  WHERE NOT EXISTS (SELECT FROM lovage.task c WHERE c.parent_id = of_parent AND c.parent_step = n.entry ->> 'parentStep');

  IF fresh IS NOT NULL THEN
    PERFORM lovage.job_table(f ->> 'queue') FROM jsonb_array_elements(fresh) f;
    SELECT jsonb_agg(jsonb_build_object('child', a.id, 'step', a.parent_step, 'name', a.name) ORDER BY a.id)
    INTO made FROM lovage.add_unique_tasks(fresh) a;
    UPDATE lovage.task t SET events = t.events + jsonb_array_length(made) WHERE t.id = of_parent;
    INSERT INTO lovage.task_event (task_id, number, type, attempt, data)
    SELECT of_parent, parent.events + m.position, 'child', of_attempt, m.line
    FROM jsonb_array_elements(made) WITH ORDINALITY AS m (line, position);
    PERFORM pg_notify('lovage_ready', q.queue) FROM (SELECT DISTINCT f ->> 'queue' AS queue FROM jsonb_array_elements(fresh) f) q;
  END IF;

  RETURN QUERY
  SELECT n.place::int, c.id, c.name = n.name AND c.input IS NOT DISTINCT FROM n.input
  FROM ROWS FROM (jsonb_to_recordset(tasks) AS ("parentStep" text, name text, input jsonb)) WITH ORDINALITY AS n (step, name, input, place)
  JOIN lovage.task c ON c.parent_id = of_parent AND c.parent_step = n.step;
END
$$;
--> statement-breakpoint
-- Accepts a batch: `entry` is {tenant, label?, createdBy, followUp?, callback?}, `tasks` as lovage.add_tasks() takes them. Their ids
-- come back in the order of the tasks, which is also their own. All or nothing.
CREATE FUNCTION lovage.add_batch(entry jsonb, tasks jsonb, OUT batch_id uuid, OUT created_at timestamptz, OUT task_ids uuid[], OUT scheduled int)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  us bigint := extract(epoch FROM clock_timestamp()) * 1000000;
BEGIN
  batch_id := coalesce((entry ->> 'id')::uuid, lovage.uuid_v7_at(us));
  created_at := now();
  INSERT INTO lovage.batch (id, tenant, label, size, follow_up, callback, created_by)
  VALUES (batch_id, entry ->> 'tenant', entry ->> 'label', jsonb_array_length(tasks), nullif(entry -> 'followUp', 'null'),
          nullif(entry -> 'callback', 'null'), entry ->> 'createdBy');
  SELECT jsonb_agg(n.task || jsonb_build_object('id', lovage.uuid_v7_at(us + n.position), 'batchId', batch_id) ORDER BY n.position)
  INTO tasks FROM jsonb_array_elements(tasks) WITH ORDINALITY AS n (task, position);
  SELECT array_agg(a.id ORDER BY a.id), count(*) FILTER (WHERE a.due_at > now())
  INTO task_ids, scheduled FROM lovage.add_unique_tasks(tasks) a;
END
$$;
--> statement-breakpoint
-- What became of the tasks of a batch, in the order in which they were submitted. Results of more than 16 MB in all are left
-- out: whoever needs them reads them task by task.
CREATE FUNCTION lovage.batch_results(of_batch uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
  SELECT jsonb_build_object('results', coalesce(jsonb_agg(jsonb_build_object(
           'id', m.id, 'name', m.name, 'state', m.state, 'result', CASE WHEN m.total <= 16777216 THEN m.output END,
           'error', m.error - 'stack' - 'cause') ORDER BY m.id), '[]'))
         || CASE WHEN max(m.total) > 16777216 THEN '{"resultsOmitted": true}' ELSE '{}' END::jsonb
  FROM (SELECT t.id, t.name, t.state, t.error, r.output, sum(octet_length(r.output::text)) OVER () AS total
        FROM lovage.task t LEFT JOIN lovage.task_result r ON r.task_id = t.id
        WHERE t.batch_id = of_batch AND t.id NOT IN (SELECT b.follow_up_id FROM lovage.batch b WHERE b.id = of_batch AND b.follow_up_id IS NOT NULL)) m
$$;
--> statement-breakpoint
-- Called in the transaction in which batches have finished.
CREATE FUNCTION lovage.batch_finished(batch_ids uuid[]) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT $$;
--> statement-breakpoint
-- Finishes a batch whose tasks are all final, once: one event, and the task that gets the results, unless the batch was
-- cancelled. The caller holds its row since a statement before this one.
CREATE FUNCTION lovage.finish_batch(of_batch uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
  b lovage.batch;
  next_id uuid;
BEGIN
  SELECT * INTO b FROM lovage.batch w WHERE w.id = of_batch AND w.finished_at IS NULL;
  -- The last one first: mostly it is the one that still runs.
  IF b.id IS NULL OR EXISTS (SELECT FROM lovage.task t WHERE t.batch_id = of_batch AND NOT lovage.is_final(t.state) ORDER BY t.id DESC LIMIT 1) THEN
    RETURN false;
  END IF;
  IF b.follow_up IS NOT NULL AND b.cancel_requested_at IS NULL THEN
    next_id := lovage.uuid_v7();
  END IF;
  UPDATE lovage.batch w SET finished_at = now(), follow_up_id = next_id WHERE w.id = of_batch;
  INSERT INTO lovage.task_event (task_id, number, type, attempt, data)
  SELECT of_batch, 1, 'batch_finished', 0,
         jsonb_strip_nulls(jsonb_build_object('then', next_id, 'counts', jsonb_object_agg(s.state, s.tasks)))
  FROM (SELECT t.state, count(*) AS tasks FROM lovage.task t WHERE t.batch_id = of_batch GROUP BY t.state) s;
  PERFORM lovage.batch_finished(ARRAY[of_batch]);
  -- Last: it bears the batch's id and is none of its tasks.
  IF next_id IS NOT NULL THEN
    PERFORM lovage.job_table(b.follow_up ->> 'queue');
    PERFORM FROM lovage.add_tasks(jsonb_build_array(b.follow_up || jsonb_build_object(
      'id', next_id, 'batchId', b.id,
      'input', jsonb_build_object('batchId', b.id, 'input', b.follow_up -> 'input') || lovage.batch_results(b.id))));
    PERFORM pg_notify('lovage_ready', b.follow_up ->> 'queue');
  END IF;
  PERFORM pg_notify('lovage_final', of_batch::text);
  RETURN true;
END
$$;
--> statement-breakpoint
-- The jobs of parents that are not final, locked: by queue, then by id.
CREATE FUNCTION lovage.lock_parents(ids uuid[]) RETURNS TABLE (of_queue text, held uuid[])
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE
  job_table text;
  wanted uuid[];
BEGIN
  FOR of_queue, job_table, wanted IN
    SELECT q.queue, q.job_table, array_agg(t.id)
    FROM lovage.task t JOIN lovage.live_queues() q ON q.queue = t.queue
    WHERE t.id = ANY (ids) AND NOT lovage.is_final(t.state)
    GROUP BY q.queue, q.job_table ORDER BY q.queue
  LOOP
    EXECUTE format('SELECT array_agg(own.id) FROM (SELECT j.id FROM pgboss.%I j
                    WHERE j.name = $1 AND j.id = ANY ($2) AND j.state <= ''active'' ORDER BY j.id FOR UPDATE) own', job_table)
    INTO held USING of_queue, wanted;
    RETURN NEXT;
  END LOOP;
END
$$;
--> statement-breakpoint
-- The children of cancelled tasks, that have not ended, are cancelled with them.
CREATE FUNCTION lovage.cancel_children(parents uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE
  ended uuid[];
BEGIN
  PERFORM set_config('lovage.actor', 'lovage', true);
  SELECT c.cancelled INTO ended
  FROM lovage.cancel_tasks(ARRAY(
    SELECT c.id FROM lovage.task p JOIN lovage.task c ON c.parent_id = p.id
    WHERE p.id = ANY (parents) AND p.state = 'cancelled' AND NOT lovage.is_final(c.state)), 'its parent was cancelled') c;
  PERFORM set_config('lovage.actor', '', true);
  PERFORM pg_notify('lovage_final', id::text) FROM unnest(ended) AS id;
END
$$;
--> statement-breakpoint
-- Draws the consequences of ends that were noted, up to `at_most` at a time: cancels the children of the cancelled, or wakes
-- parents and finishes batches. `done` of them need no further look. A batch that Postgres refuses to finish waits for a later
-- look, and is in `refused` with what it says.
CREATE FUNCTION lovage.follow_up(at_most int DEFAULT 200, OUT done int, OUT refused jsonb)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  ids bigint[];
  parents uuid[];
  batches uuid[];
  of_batch uuid;
  locked jsonb;
BEGIN
  refused := '[]';
  SELECT array_agg(e.id), array_agg(e.task_id) INTO ids, parents FROM (
    SELECT o.id, o.task_id FROM lovage.task_end o WHERE o.batch_id IS NULL AND o.parent_id IS NULL
    ORDER BY o.id LIMIT at_most FOR UPDATE SKIP LOCKED) e;
  IF ids IS NOT NULL THEN
    PERFORM lovage.cancel_children(parents);
    DELETE FROM lovage.task_end e WHERE e.id = ANY (ids);
    done := cardinality(ids);
    RETURN;
  END IF;

  SELECT array_agg(e.id), array_agg(DISTINCT e.parent_id) FILTER (WHERE e.parent_id IS NOT NULL),
         array_agg(DISTINCT e.batch_id) FILTER (WHERE e.batch_id IS NOT NULL)
  INTO ids, parents, batches FROM (
    SELECT o.id, o.parent_id, o.batch_id FROM lovage.task_end o ORDER BY o.id LIMIT at_most FOR UPDATE SKIP LOCKED) e;
  done := coalesce(cardinality(ids), 0);
  IF done = 0 THEN
    RETURN;
  END IF;
  PERFORM set_config('lovage.actor', 'lovage', true);
  SELECT jsonb_agg(to_jsonb(l)) INTO locked FROM lovage.lock_parents(parents) l;
  PERFORM lovage.wake_parents(l.of_queue, l.held) FROM jsonb_to_recordset(locked) AS l (of_queue text, held uuid[]) WHERE l.held IS NOT NULL;
  PERFORM FROM lovage.batch b WHERE b.id = ANY (batches) ORDER BY b.id FOR UPDATE;
  FOREACH of_batch IN ARRAY coalesce(batches, '{}') LOOP
    BEGIN
      PERFORM lovage.finish_batch(of_batch);
    EXCEPTION WHEN OTHERS THEN
      IF SQLSTATE LIKE '40%' THEN
        RAISE;
      END IF;
      -- It must not keep the others from what is theirs.
      refused := refused || jsonb_build_object('batch', of_batch, 'message', SQLERRM);
      INSERT INTO lovage.task_end (task_id, batch_id) VALUES (of_batch, of_batch);
    END;
  END LOOP;
  DELETE FROM lovage.task_end e WHERE e.id = ANY (ids);
  done := done - jsonb_array_length(refused);
  PERFORM set_config('lovage.actor', '', true);
END
$$;
--> statement-breakpoint
-- Cancels a batch: what has not ended of it. Returns cancelled, requested (some run, and were told to stop), already_finished or
-- not_found.
CREATE FUNCTION lovage.cancel_batch(of_batch uuid, reason text DEFAULT NULL, OUT outcome text, OUT cancelled uuid[])
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  b lovage.batch;
  requested uuid[];
BEGIN
  SELECT * INTO b FROM lovage.batch w WHERE w.id = of_batch;
  cancelled := '{}';
  IF b.id IS NULL OR b.finished_at IS NOT NULL THEN
    outcome := CASE WHEN b.id IS NULL THEN 'not_found' ELSE 'already_finished' END;
    RETURN;
  END IF;
  SELECT c.cancelled, c.requested INTO cancelled, requested
  FROM lovage.cancel_tasks(ARRAY(SELECT t.id FROM lovage.task t WHERE t.batch_id = of_batch AND NOT lovage.is_final(t.state)
                                 AND t.id IS DISTINCT FROM b.follow_up_id), reason) c;
  UPDATE lovage.batch w SET cancel_requested_at = coalesce(w.cancel_requested_at, now())
  WHERE w.id = of_batch AND w.finished_at IS NULL;
  -- Not found: it finished while this waited for it, and its `then` was started.
  outcome := CASE WHEN NOT FOUND THEN 'already_finished' WHEN cardinality(requested) > 0 THEN 'requested' ELSE 'cancelled' END;
END
$$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION lovage.task_moved(), lovage.uuid_v7_at(bigint), lovage.note_waits(uuid[], jsonb),
  lovage.wake_parents(text, uuid[]), lovage.awaits_children(lovage.task), lovage.add_children(text, uuid, int, jsonb),
  lovage.add_batch(jsonb, jsonb), lovage.batch_results(uuid), lovage.batch_finished(uuid[]), lovage.finish_batch(uuid),
  lovage.lock_parents(uuid[]), lovage.cancel_children(uuid[]), lovage.follow_up(int), lovage.cancel_batch(uuid, text) FROM PUBLIC;
