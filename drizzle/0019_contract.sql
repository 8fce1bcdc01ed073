-- What operators see and do in SQL: views and functions that keep their names and columns. What is granted of them to whom is in
-- src/grants; docs/sql.md shows each.
--
-- Views take no lock, read no final task but those asked for, and count nothing exactly that may be large. They show no input, no
-- result and no secret. A function that a view calls runs with the rights of whoever reads the view: each is one of its own here,
-- so that the rights on it say no more than the view.

-- 1: views may get columns at their end, functions parameters with defaults. Whatever is to go or to change its meaning gets a
-- new name beside the old one, which stays for a release at least.
CREATE FUNCTION lovage.contract_version() RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT 1 $$;
--> statement-breakpoint
ALTER TABLE "lovage"."worker" ADD COLUMN "drain_requested_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "lovage"."worker" ADD COLUMN "drain_requested_by" text;--> statement-breakpoint
ALTER TABLE "lovage"."queue_control" ADD COLUMN "limited_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "lovage"."queue_control" ADD COLUMN "limited_by" text;--> statement-breakpoint
-- What goes wrong is rare, so this stays small. History is only ever inserted: an index of it spoils no HOT update.
CREATE INDEX "task_event_trouble" ON "lovage"."task_event" USING btree ("at") WHERE "lovage"."task_event"."type" IN ('failed', 'crashed', 'rescued', 'overdue');
--> statement-breakpoint
-- And so are other ends than success: by these the hot table's few are found among a million that wait.
CREATE INDEX "task_event_ends" ON "lovage"."task_event" USING btree ("task_id") WHERE "lovage"."task_event"."type" IN ('failed', 'cancelled', 'expired');
--> statement-breakpoint
-- Said by hand ---------------------------------------------------------------------------------------------------------------

-- Whoever came over the API or the command line is known by a setting, and written down there.
CREATE FUNCTION lovage.is_by_hand() RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT lovage.setting('actor') IS NULL AND lovage.setting('worker') IS NULL $$;
--> statement-breakpoint
-- In whose name and to what end something is done is told by settings, which every session may set. Whoever may not write the
-- tables anyway is not believed: each function that operators may call begins here.
CREATE FUNCTION lovage.distrust_settings() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT (pg_has_role(session_user, current_user, 'MEMBER') OR has_table_privilege(session_user, 'lovage.task', 'UPDATE')) THEN
    PERFORM set_config('lovage.' || s.name, '', true)
    FROM unnest('{actor,worker,outcome,reason,event,claimed,adding,reconciling,at}'::text[]) s (name);
  END IF;
END
$$;
--> statement-breakpoint
-- What an operator did in psql, in the transaction in which he did it: under the code that the API has for it.
CREATE FUNCTION lovage.note_by_hand(of_tenant text, of_action text, of_target text, of_outcome text, about jsonb DEFAULT '{}') RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO lovage.audit_log (id, tenant, actor, action, target, outcome, ip, detail)
  SELECT lovage.uuid_v7(), coalesce(of_tenant, 'default'), 'sql:' || session_user, of_action, left(of_target, 200),
         CASE WHEN of_outcome = 'not_found'
              THEN CASE split_part(of_action, '.', 1) WHEN 'batches' THEN 'batch' ELSE rtrim(split_part(of_action, '.', 1), 's') END || '-not-found'
              ELSE 'ok' END,
         host(inet_client_addr()), jsonb_strip_nulls(jsonb_build_object('outcome', nullif(of_outcome, 'not_found')) || about)
  WHERE lovage.is_by_hand()
$$;
--> statement-breakpoint
-- Names that are like this one, for a hint: the same but for case, the same beginning, one within the other; else the first few.
CREATE FUNCTION lovage.like_names(wanted text, known text[]) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT string_agg(quote_literal(k.name), ', ' ORDER BY k.distance, k.name) FROM (
    SELECT n AS name, min(CASE WHEN lower(n) = lower(wanted) THEN 0
                               WHEN position(lower(n) IN lower(wanted)) > 0 OR position(lower(wanted) IN lower(n)) > 0 THEN 1
                               WHEN left(lower(n), 3) = left(lower(wanted), 3) THEN 2 ELSE 3 END) AS distance
    FROM unnest(known) n GROUP BY n ORDER BY 2, 1 LIMIT 5) k
$$;
--> statement-breakpoint
-- A name that is none: by hand it is said at once, with those that there are. Who came over the API gets an answer of its own.
CREATE FUNCTION lovage.warn_unknown(kind text, wanted text, known text[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF lovage.is_by_hand() THEN
    RAISE WARNING 'no % is named "%"', kind, left(wanted, 100)
    USING HINT = coalesce('there are ' || lovage.like_names(wanted, known), format('there is no %s at all', kind));
  END IF;
END
$$;
--> statement-breakpoint
CREATE FUNCTION lovage.queue_names() RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT array_agg(q.queue ORDER BY q.queue) FROM lovage.queue_control q WHERE q.queue <> 'lovage' $$;
--> statement-breakpoint
CREATE FUNCTION lovage.task_names() RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT array_agg(d.name ORDER BY d.name) FROM lovage.definition d $$;
--> statement-breakpoint
CREATE FUNCTION lovage.schedule_names(of_tenant text) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT array_agg(s.name ORDER BY s.name) FROM lovage.schedule s WHERE s.tenant = of_tenant $$;
--> statement-breakpoint
-- Enqueue --------------------------------------------------------------------------------------------------------------------

-- The task of one name as its definition has it. What a definition works out of an input in TypeScript, SQL cannot.
CREATE FUNCTION lovage.add_by_name(d lovage.definition, of_input jsonb, of_tenant text, options jsonb) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  dedupe jsonb := d.policy -> 'dedupe';
  task jsonb;
  added uuid;
  outcome text;
BEGIN
  PERFORM lovage.job_table(d.queue);
  IF dedupe IS NOT NULL AND NOT options ? 'dedupeKey' THEN
    RAISE EXCEPTION 'tasks of "%" have a dedupe key, which only its definition can tell from an input', d.name
    USING ERRCODE = 'invalid_parameter_value', HINT = 'Say it: dedupe_key => ''…'', or '''' for a task without one.';
  END IF;
  IF d.policy ? 'concurrencyKey' AND NOT options ? 'concurrencyKey' AND lovage.is_by_hand() THEN
    RAISE WARNING 'tasks of "%" have a concurrency key, which only its definition can tell from an input: this one has none', d.name
    USING HINT = 'Say it: key => ''…''.';
  END IF;
  task := jsonb_strip_nulls(jsonb_build_object(
      'id', lovage.uuid_v7(), 'tenant', of_tenant, 'name', d.name, 'queue', d.queue, 'priority', d.priority,
      'maxAttempts', d.max_attempts, 'resultTtlMs', d.result_ttl_ms, 'createdBy', coalesce(lovage.actor(), 'lovage'),
      'dedupe', CASE WHEN options ->> 'dedupeKey' <> '' THEN jsonb_build_object('key', options -> 'dedupeKey', 'withinMs', dedupe -> 'withinMs') END))
    || (options - 'dedupeKey') || jsonb_build_object('input', of_input);
  SELECT a.outcome, (a.answer).id INTO outcome, added FROM lovage.add_task_once(task, NULL) a;
  IF outcome = 'added' THEN
    UPDATE lovage.task_event e SET data = jsonb_build_object('by', task -> 'createdBy') WHERE e.task_id = added AND e.number = 1;
    PERFORM pg_notify('lovage_ready', d.queue);
  END IF;
  RETURN added;
END
$$;
--> statement-breakpoint
-- Accepts a task: its name is checked now, its input when a worker takes it. Its id; with a dedupe key, that of the task which has it.
CREATE FUNCTION lovage.enqueue(name text, input jsonb DEFAULT '{}', priority int DEFAULT NULL, delay interval DEFAULT NULL,
                               run_at timestamptz DEFAULT NULL, tags text[] DEFAULT '{}', key text DEFAULT NULL,
                               dedupe_key text DEFAULT NULL, tenant text DEFAULT 'default', max_attempts int DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  d lovage.definition;
  fault text;
  task_id uuid;
BEGIN
  PERFORM lovage.distrust_settings();
  SELECT * INTO d FROM lovage.definition w WHERE w.name = enqueue.name;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no task is named "%"', left(enqueue.name, 100)
    USING ERRCODE = 'LV404', HINT = coalesce('There are ' || lovage.like_names(enqueue.name, lovage.task_names()) || '; all of them: SELECT name FROM lovage.v_definitions.',
                                             'No worker, API or lovage migrate has told of any yet.');
  END IF;
  fault := CASE WHEN enqueue.input IS NULL THEN 'input is null; JSON''s own null is ''null''::jsonb'
                WHEN octet_length(enqueue.input::text) > 10485760 THEN 'input is over 10 MB'
                WHEN enqueue.delay IS NOT NULL AND enqueue.run_at IS NOT NULL THEN 'delay and run_at were both given'
                WHEN enqueue.delay < interval '0' THEN 'delay is negative'
                WHEN enqueue.delay > interval '366 days' THEN 'delay is over 366 days'
                WHEN enqueue.run_at >= '9999-01-01' THEN 'run_at is after the year 9998'
                WHEN enqueue.priority NOT BETWEEN -1000 AND 1000 THEN 'priority is not from -1000 to 1000'
                WHEN enqueue.max_attempts NOT BETWEEN 1 AND 1000 THEN 'max_attempts is not from 1 to 1000'
                WHEN enqueue.key = '' OR length(enqueue.key) > 200 OR length(enqueue.dedupe_key) > 200 THEN 'a key has not 1 to 200 characters'
                WHEN coalesce(length(enqueue.tenant), 0) NOT BETWEEN 1 AND 100 THEN 'tenant has not 1 to 100 characters'
                WHEN cardinality(enqueue.tags) > 20 OR array_ndims(enqueue.tags) > 1 OR EXISTS (SELECT FROM unnest(enqueue.tags) t WHERE t IS NULL OR length(t) NOT BETWEEN 1 AND 100)
                  THEN 'tags are not a list of up to 20, each of 1 to 100 characters' END;
  IF fault IS NOT NULL THEN
    RAISE EXCEPTION '%', fault USING ERRCODE = 'invalid_parameter_value';
  END IF;
  task_id := lovage.add_by_name(d, enqueue.input, enqueue.tenant, jsonb_strip_nulls(jsonb_build_object(
    'priority', enqueue.priority, 'dueAt', coalesce(enqueue.run_at, now() + enqueue.delay), 'tags', coalesce(enqueue.tags, '{}'), 'concurrencyKey', enqueue.key,
    'dedupeKey', enqueue.dedupe_key, 'maxAttempts', enqueue.max_attempts)));
  PERFORM lovage.note_by_hand(enqueue.tenant, 'tasks.enqueue', task_id::text, NULL, jsonb_build_object('name', d.name));
  RETURN task_id;
END
$$;
--> statement-breakpoint
-- As before, in nobody else's name.
CREATE OR REPLACE FUNCTION lovage.retry(task_id uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  queued uuid[];
BEGIN
  PERFORM lovage.distrust_settings();
  queued := lovage.retry_tasks(ARRAY[retry.task_id]);
  RETURN lovage.audit_by_hand('tasks.retry', retry.task_id::text,
    CASE WHEN cardinality(queued) > 0 THEN 'queued'
         WHEN EXISTS (SELECT FROM lovage.task t WHERE t.id = retry.task_id) THEN 'not_final' ELSE 'not_found' END);
END
$$;
--> statement-breakpoint
-- Many at once: jobs and tasks are locked by id, whatever the order of the array. How many were queued again.
CREATE FUNCTION lovage.retry_many(ids uuid[]) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  queued uuid[];
BEGIN
  PERFORM lovage.distrust_settings();
  queued := lovage.retry_tasks(lovage.with_free_key(retry_many.ids));
  PERFORM lovage.note_by_hand(t.tenant, 'tasks.retry', t.id::text, 'queued') FROM lovage.task t WHERE t.id = ANY (queued);
  RETURN cardinality(queued);
END
$$;
--> statement-breakpoint
-- A job that was made anew while its lock was waited for breaks cancel_tasks() off: here it begins again, with its locks let go.
CREATE FUNCTION lovage.cancel_patiently(ids uuid[], reason text, OUT cancelled uuid[], OUT requested uuid[])
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  FOR tries_left IN REVERSE 9..0 LOOP
    BEGIN
      SELECT c.cancelled, c.requested INTO cancelled, requested FROM lovage.cancel_tasks(cancel_patiently.ids, left(cancel_patiently.reason, 1000)) c;
      RETURN;
    EXCEPTION WHEN serialization_failure OR deadlock_detected THEN
      IF tries_left = 0 THEN
        RAISE;
      END IF;
    END;
  END LOOP;
END
$$;
--> statement-breakpoint
CREATE FUNCTION lovage.cancel_many(ids uuid[], reason text DEFAULT NULL, OUT cancelled int, OUT requested int)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  ended uuid[];
  told uuid[];
BEGIN
  PERFORM lovage.distrust_settings();
  SELECT c.cancelled, c.requested INTO ended, told FROM lovage.cancel_patiently(cancel_many.ids, cancel_many.reason) c;
  PERFORM lovage.note_by_hand(t.tenant, 'tasks.cancel', t.id::text, CASE WHEN t.id = ANY (ended) THEN 'cancelled' ELSE 'requested' END,
                              jsonb_build_object('reason', left(cancel_many.reason, 1000)))
  FROM lovage.task t WHERE t.id = ANY (ended || told);
  cancelled := cardinality(ended);
  requested := cardinality(told);
END
$$;
--> statement-breakpoint
-- As before, and it is written down who did it.
CREATE OR REPLACE FUNCTION lovage.cancel_batch(of_batch uuid, reason text DEFAULT NULL, OUT outcome text, OUT cancelled uuid[])
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  b lovage.batch;
  requested uuid[];
BEGIN
  PERFORM lovage.distrust_settings();
  SELECT * INTO b FROM lovage.batch w WHERE w.id = of_batch;
  cancelled := '{}';
  IF b.id IS NULL OR b.finished_at IS NOT NULL THEN
    outcome := CASE WHEN b.id IS NULL THEN 'not_found' ELSE 'already_finished' END;
  ELSE
    SELECT c.cancelled, c.requested INTO cancelled, requested
    FROM lovage.cancel_patiently(ARRAY(SELECT t.id FROM lovage.task t WHERE t.batch_id = of_batch AND NOT lovage.is_final(t.state)
                                   AND t.id IS DISTINCT FROM b.follow_up_id), reason) c;
    UPDATE lovage.batch w SET cancel_requested_at = coalesce(w.cancel_requested_at, now())
    WHERE w.id = of_batch AND w.finished_at IS NULL;
    -- Not found: it finished while this waited for it, and its `then` was started.
    outcome := CASE WHEN NOT FOUND THEN 'already_finished' WHEN cardinality(requested) > 0 THEN 'requested' ELSE 'cancelled' END;
  END IF;
  PERFORM lovage.note_by_hand(b.tenant, 'batches.cancel', of_batch::text, outcome,
    jsonb_build_object('reason', left(reason, 1000), 'cancelled', cardinality(cancelled)));
END
$$;
--> statement-breakpoint
-- Queues ---------------------------------------------------------------------------------------------------------------------

-- As before, and of a name that is none it tells which there are.
CREATE OR REPLACE FUNCTION lovage.pause(queue text, reason text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  outcome text := 'paused';
BEGIN
  PERFORM lovage.distrust_settings();
  UPDATE lovage.queue_control q SET paused_at = now(), paused_by = lovage.actor(), pause_reason = left(pause.reason, 1000)
  WHERE q.queue = pause.queue AND q.paused_at IS NULL;
  IF NOT FOUND THEN
    outcome := CASE WHEN EXISTS (SELECT FROM lovage.queue_control q WHERE q.queue = pause.queue)
                    THEN 'already_paused' ELSE 'not_found' END;
  END IF;
  IF outcome = 'not_found' THEN
    PERFORM lovage.warn_unknown('queue', pause.queue, lovage.queue_names());
  END IF;
  RETURN lovage.audit_by_hand('queues.pause', pause.queue, outcome, pause.reason);
END
$$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION lovage.resume(queue text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  outcome text := 'resumed';
BEGIN
  PERFORM lovage.distrust_settings();
  UPDATE lovage.queue_control q SET paused_at = NULL, paused_by = NULL, pause_reason = NULL
  WHERE q.queue = resume.queue AND q.paused_at IS NOT NULL;
  IF FOUND THEN
    PERFORM pg_notify('lovage_ready', resume.queue);
  ELSE
    outcome := CASE WHEN EXISTS (SELECT FROM lovage.queue_control q WHERE q.queue = resume.queue)
                    THEN 'not_paused' ELSE 'not_found' END;
  END IF;
  IF outcome = 'not_found' THEN
    PERFORM lovage.warn_unknown('queue', resume.queue, lovage.queue_names());
  END IF;
  RETURN lovage.audit_by_hand('queues.resume', resume.queue, outcome);
END
$$;
--> statement-breakpoint
-- All limits of a queue, null for none. They hold over restarts, whatever the configuration says, until follow_config().
CREATE FUNCTION lovage.limit_queue(queue text, running int DEFAULT NULL, per_key int DEFAULT NULL, starts int DEFAULT NULL,
                                   per interval DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- An interval may be endless, which no number is.
  period_ms int := extract(epoch FROM CASE WHEN limit_queue.per NOT BETWEEN '0' AND '1 day' THEN '0' ELSE limit_queue.per END) * 1000;
BEGIN
  PERFORM lovage.distrust_settings();
  IF NOT EXISTS (SELECT FROM lovage.queue_control q WHERE q.queue = limit_queue.queue AND q.queue <> 'lovage') THEN
    PERFORM lovage.warn_unknown('queue', limit_queue.queue, lovage.queue_names());
    PERFORM lovage.note_by_hand('default', 'queues.limit', limit_queue.queue, 'not_found');
    RETURN 'not_found';
  END IF;
  IF least(running, per_key, starts) < 1 OR (starts IS NULL) <> (per IS NULL) OR period_ms NOT BETWEEN 1 AND 86400000 THEN
    RAISE EXCEPTION 'limits are whole numbers from 1, and a rate is starts with per, of up to a day'
    USING ERRCODE = 'invalid_parameter_value', HINT = 'For example lovage.limit_queue(''mail'', running => 20, starts => 100, per => ''1 minute'').';
  END IF;
  PERFORM lovage.set_limits(limit_queue.queue, running, per_key, starts, period_ms);
  UPDATE lovage.queue_control q SET limited_at = now(), limited_by = lovage.actor() WHERE q.queue = limit_queue.queue;
  PERFORM lovage.note_by_hand('default', 'queues.limit', limit_queue.queue, 'limited',
    jsonb_build_object('running', running, 'perKey', per_key, 'starts', starts, 'periodMs', period_ms));
  RETURN 'limited';
END
$$;
--> statement-breakpoint
-- The limits of the configuration again, from the next start of any process or `lovage migrate` on.
CREATE FUNCTION lovage.follow_config(queue text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  outcome text;
BEGIN
  PERFORM lovage.distrust_settings();
  UPDATE lovage.queue_control q SET limited_at = NULL, limited_by = NULL WHERE q.queue = follow_config.queue AND q.limited_at IS NOT NULL;
  outcome := CASE WHEN FOUND THEN 'follows_config'
                  WHEN EXISTS (SELECT FROM lovage.queue_control q WHERE q.queue = follow_config.queue) THEN 'not_limited' ELSE 'not_found' END;
  IF outcome = 'not_found' THEN
    PERFORM lovage.warn_unknown('queue', follow_config.queue, lovage.queue_names());
  END IF;
  PERFORM lovage.note_by_hand('default', 'queues.followConfig', follow_config.queue, outcome);
  RETURN outcome;
END
$$;
--> statement-breakpoint
-- Workers and schedules --------------------------------------------------------------------------------------------------------

-- A worker ends as by SIGTERM: it claims no more, and lets what runs finish within its grace. It hears of it at once, or by its next heartbeat.
CREATE FUNCTION lovage.drain_worker(worker uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  outcome text := 'draining';
BEGIN
  PERFORM lovage.distrust_settings();
  UPDATE lovage.worker w SET drain_requested_at = now(), drain_requested_by = lovage.actor()
  WHERE w.id = drain_worker.worker AND w.stopped_at IS NULL AND w.lost_at IS NULL AND NOT w.draining AND w.drain_requested_at IS NULL;
  IF FOUND THEN
    PERFORM pg_notify('lovage_drain', drain_worker.worker::text);
  ELSE
    outcome := coalesce((SELECT CASE WHEN w.stopped_at IS NOT NULL OR w.lost_at IS NOT NULL THEN 'already_ended' ELSE 'already_draining' END
                         FROM lovage.worker w WHERE w.id = drain_worker.worker), 'not_found');
  END IF;
  PERFORM lovage.note_by_hand('default', 'workers.drain', drain_worker.worker::text, outcome);
  RETURN outcome;
END
$$;
--> statement-breakpoint
-- As before, and it is written down who did it.
CREATE OR REPLACE FUNCTION lovage.pause_schedule(name text, tenant text DEFAULT 'default') RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  outcome text := 'paused';
BEGIN
  PERFORM lovage.distrust_settings();
  UPDATE lovage.schedule s SET paused_at = now(), paused_by = lovage.actor()
  WHERE s.tenant = pause_schedule.tenant AND s.name = pause_schedule.name AND s.paused_at IS NULL;
  IF NOT FOUND THEN
    outcome := CASE WHEN EXISTS (SELECT FROM lovage.schedule s WHERE s.tenant = pause_schedule.tenant AND s.name = pause_schedule.name)
                    THEN 'already_paused' ELSE 'not_found' END;
  END IF;
  IF outcome = 'not_found' THEN
    PERFORM lovage.warn_unknown('schedule', pause_schedule.name, lovage.schedule_names(pause_schedule.tenant));
  END IF;
  PERFORM lovage.note_by_hand(pause_schedule.tenant, 'schedules.pause', pause_schedule.name, outcome);
  RETURN outcome;
END
$$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION lovage.resume_schedule(name text, tenant text DEFAULT 'default') RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  outcome text := 'resumed';
BEGIN
  PERFORM lovage.distrust_settings();
  UPDATE lovage.schedule s SET paused_at = NULL, paused_by = NULL, resumed_at = now()
  WHERE s.tenant = resume_schedule.tenant AND s.name = resume_schedule.name AND s.paused_at IS NOT NULL;
  IF NOT FOUND THEN
    outcome := CASE WHEN EXISTS (SELECT FROM lovage.schedule s WHERE s.tenant = resume_schedule.tenant AND s.name = resume_schedule.name)
                    THEN 'not_paused' ELSE 'not_found' END;
  END IF;
  IF outcome = 'not_found' THEN
    PERFORM lovage.warn_unknown('schedule', resume_schedule.name, lovage.schedule_names(resume_schedule.tenant));
  END IF;
  PERFORM lovage.note_by_hand(resume_schedule.tenant, 'schedules.resume', resume_schedule.name, outcome);
  RETURN outcome;
END
$$;
--> statement-breakpoint
-- Starts a schedule's task now, also of one that is paused or has ended; its times stay as they are. The task's id.
CREATE FUNCTION lovage.run_schedule(name text, tenant text DEFAULT 'default', dedupe_key text DEFAULT NULL, key text DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  s lovage.schedule;
  d lovage.definition;
  task_id uuid;
BEGIN
  PERFORM lovage.distrust_settings();
  -- One after the other: each run has its own time.
  SELECT * INTO s FROM lovage.schedule w WHERE w.tenant = run_schedule.tenant AND w.name = run_schedule.name FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no schedule is named "%"', left(run_schedule.name, 100)
    USING ERRCODE = 'LV404', HINT = coalesce('There are ' || lovage.like_names(run_schedule.name, lovage.schedule_names(run_schedule.tenant)) || '.',
                                             format('Tenant "%s" has no schedule at all.', run_schedule.tenant));
  END IF;
  SELECT * INTO d FROM lovage.definition w WHERE w.name = s.task_name;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the schedule''s task "%" has no definition', s.task_name USING ERRCODE = 'LV404';
  END IF;
  task_id := lovage.add_by_name(d, coalesce(s.input, 'null'), s.tenant, jsonb_strip_nulls(jsonb_build_object(
    'priority', s.options -> 'priority', 'tags', coalesce(s.options -> 'tags', '[]') || to_jsonb('schedule:' || s.name),
    'dedupeKey', run_schedule.dedupe_key, 'concurrencyKey', run_schedule.key)));
  INSERT INTO lovage.schedule_run (schedule_id, occurrence, kind, task_id) VALUES (s.id, clock_timestamp(), 'by_hand', task_id);
  UPDATE lovage.schedule w SET last_at = now() WHERE w.id = s.id;
  PERFORM lovage.note_by_hand(s.tenant, 'schedules.run', s.name, NULL, jsonb_build_object('task', task_id));
  RETURN task_id;
END
$$;
--> statement-breakpoint
-- As before, and it is written down who did it.
CREATE OR REPLACE FUNCTION lovage.replay_delivery(of_id uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  d lovage.webhook_delivery;
  outcome text := 'queued';
BEGIN
  PERFORM lovage.distrust_settings();
  SELECT * INTO d FROM lovage.webhook_delivery w WHERE w.id = of_id;
  IF NOT FOUND THEN
    outcome := 'not_found';
  ELSIF cardinality(lovage.retry_tasks(ARRAY[of_id])) = 0 THEN
    IF EXISTS (SELECT FROM lovage.task t WHERE t.id = of_id) THEN
      UPDATE pgboss.job j SET start_after = now() WHERE j.name = 'lovage' AND j.id = of_id AND j.state < 'active';
      outcome := CASE WHEN FOUND THEN 'queued' ELSE 'not_final' END;
      PERFORM pg_notify('lovage_ready', 'lovage');
    ELSE
      -- Its task is long removed.
      PERFORM lovage.add_delivery_tasks(ARRAY[of_id]);
    END IF;
  END IF;
  UPDATE lovage.webhook_delivery w SET delivered_at = NULL WHERE w.id = of_id AND outcome = 'queued';
  PERFORM lovage.note_by_hand(d.tenant, 'webhooks.replay', of_id::text, outcome);
  RETURN outcome;
END
$$;
--> statement-breakpoint
-- What views show -------------------------------------------------------------------------------------------------------------

CREATE FUNCTION lovage.percent(current bigint, total bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE WHEN total > 0 THEN round(least(100, 100.0 * current / total), 1) END $$;
--> statement-breakpoint
CREATE FUNCTION lovage.progress_text(current bigint, total bigint, message text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT nullif(concat_ws(': ', CASE WHEN total IS NULL THEN current::text ELSE format('%s of %s', current, total) END, message), '') $$;
--> statement-breakpoint
-- How far a task is, from its row of live progress.
CREATE FUNCTION lovage.task_percent(of_task uuid) RETURNS numeric
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT lovage.percent(p.current, p.total) FROM lovage.task_progress p WHERE p.task_id = of_task $$;
--> statement-breakpoint
CREATE FUNCTION lovage.task_progress_text(of_task uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT lovage.progress_text(p.current, p.total, p.message) FROM lovage.task_progress p WHERE p.task_id = of_task $$;
--> statement-breakpoint
-- Why a task stands where it stands, in one line: the first of what explain() says, but for the count of those before it, which
-- is what costs.
CREATE FUNCTION lovage.why(of_id uuid) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE
  t lovage.task;
  said text;
BEGIN
  SELECT * INTO t FROM lovage.task w WHERE w.id = of_id;
  IF NOT FOUND OR t.state = 'succeeded' THEN
    RETURN NULL;
  ELSIF t.state = 'failed' THEN
    RETURN concat_ws(': ', t.error ->> 'code', t.error ->> 'message');
  ELSIF t.state IN ('cancelled', 'expired') THEN
    RETURN concat_ws(': ', 'by ' || t.cancel_requested_by, t.cancel_reason);
  ELSIF t.state = 'running' THEN
    RETURN CASE WHEN t.overdue_at >= t.started_at THEN 'overdue: it ends when its handler returns or its worker dies'
                WHEN t.cancel_requested_at IS NOT NULL THEN concat_ws(': ', 'told to stop by ' || t.cancel_requested_by, t.cancel_reason) END;
  ELSIF t.state = 'waiting' THEN
    RETURN (SELECT c.detail FROM lovage.awaits_children(t) c);
  ELSIF NOT EXISTS (SELECT FROM lovage.live_queues() q WHERE q.queue = t.queue) THEN
    RETURN format('queue "%s" is gone; lovage migrate brings back one that is declared', t.queue);
  END IF;
  SELECT concat_ws(': ', concat_ws(' by ', format('queue "%s" is paused', q.queue), q.paused_by), q.pause_reason) INTO said
  FROM lovage.queue_control q WHERE q.queue = t.queue AND q.paused_at IS NOT NULL;
  IF NOT FOUND AND t.due_at > now() THEN
    said := concat_ws(', after: ', 'due at ' || lovage.iso_time(t.due_at), CASE WHEN t.state = 'retrying' THEN t.error ->> 'message' END);
  END IF;
  IF said IS NULL THEN SELECT w.detail INTO said FROM lovage.lacks_worker(t) w LIMIT 1; END IF;
  IF said IS NULL THEN SELECT w.detail INTO said FROM lovage.over_limits(t) w LIMIT 1; END IF;
  IF said IS NULL THEN SELECT w.detail INTO said FROM lovage.lacks_slot(t) w LIMIT 1; END IF;
  RETURN coalesce(said, 'due: the next claims come to it, by priority and age');
END
$$;
--> statement-breakpoint
-- Callers see no stacks, and neither do readers.
CREATE FUNCTION lovage.shown_data(data jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE WHEN jsonb_typeof(data -> 'error') = 'object' THEN data || jsonb_build_object('error', lovage.shown_error(data -> 'error')) ELSE data END $$;
--> statement-breakpoint
-- Where an URL leads: without a user, a password, and what stands behind the question mark.
CREATE FUNCTION lovage.shown_url(url text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT regexp_replace(regexp_replace(url, '^(https?://)[^/?#]*@', '\1'), '[?#].*$', '?…') $$;
--> statement-breakpoint
-- What runs. Of a queue without limits in which some 100,000 tasks wait, only those of its 10,000 oldest jobs: nothing but a
-- reading of all of them would tell the others.
CREATE FUNCTION lovage.running_tasks() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE
  of_queue record;
BEGIN
  FOR of_queue IN SELECT q.queue, q.job_table FROM lovage.live_queues() q LOOP
    IF lovage.tells_running(of_queue.job_table) THEN
      RETURN QUERY SELECT r.id FROM lovage.running_attempts(of_queue.queue) r;
    ELSE
      RETURN QUERY EXECUTE format(
        'SELECT j.id FROM (SELECT a.id, a.state FROM pgboss.%I a WHERE a.name = $1 ORDER BY a.id LIMIT 10000) j WHERE j.state = ''active''',
        of_queue.job_table) USING of_queue.queue;
    END IF;
  END LOOP;
END
$$;
--> statement-breakpoint
-- How many rows a queue's table has, or of them one of its indexes: what VACUUM or ANALYZE last saw on a page, times the pages that there
-- are now. Null where neither has come by.
CREATE FUNCTION lovage.estimated_rows(job_table text, index_suffix text DEFAULT '') RETURNS int
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT least(2147483647, seen.reltuples::float8 / t.relpages * pg_relation_size(t.oid) / current_setting('block_size')::int)::int
  FROM pg_class t, pg_class seen
  WHERE t.oid = to_regclass(format('pgboss.%I', job_table)) AND seen.oid = to_regclass(format('pgboss.%I', job_table || index_suffix))
    AND t.relpages > 0 AND seen.reltuples >= 0
$$;
--> statement-breakpoint
-- How deep each queue is, or one, in a time that does not grow with what waits: counted up to `at_most`, and estimated beyond, where
-- `is_more` says so. The oldest that is due is exact as far as was counted; beyond, it is the oldest of those that were delayed or put
-- back, and of the first thousand in each of up to 20 priorities. `running` is null where it cannot be told cheaply.
CREATE FUNCTION lovage.queue_depths(of_queue text DEFAULT NULL, at_most int DEFAULT 10000)
RETURNS TABLE (queue text, waiting int, ready int, scheduled int, is_more boolean, running int, oldest timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
DECLARE
  job_table text;
BEGIN
  FOR queue, job_table IN SELECT q.queue, q.job_table FROM lovage.live_queues() q WHERE of_queue IS NULL OR q.queue = of_queue LOOP
    EXECUTE format(
      'SELECT count(*), count(*) FILTER (WHERE w.start_after <= now()),
              min(greatest(w.start_after, w.created_on)) FILTER (WHERE w.start_after <= now())
       FROM (SELECT j.start_after, j.created_on FROM pgboss.%I j
             WHERE j.name = $1 AND j.state < ''active'' AND NOT j.blocked ORDER BY j.priority DESC, j.created_on LIMIT $2 + 1) w', job_table)
    INTO waiting, ready, oldest USING queue, at_most;
    is_more := waiting > at_most;
    scheduled := waiting - ready;
    IF is_more THEN
      EXECUTE format($q$
        WITH RECURSIVE head AS (
          (SELECT j.priority, 1 AS level FROM pgboss.%1$I j WHERE j.name = $1 AND j.state < 'active' AND NOT j.blocked
           ORDER BY j.priority DESC LIMIT 1)
          UNION ALL
          SELECT n.priority, h.level + 1 FROM head h CROSS JOIN LATERAL (
            SELECT j.priority FROM pgboss.%1$I j WHERE j.name = $1 AND j.state < 'active' AND NOT j.blocked AND j.priority < h.priority
            ORDER BY j.priority DESC LIMIT 1) n
          WHERE h.level < 20)
        SELECT greatest($4, lovage.estimated_rows(%1$L)),
               (SELECT count(*) FROM (SELECT FROM pgboss.%1$I j WHERE j.state < 'active'
                  AND j.start_after > j.created_on AND j.start_after > now() ORDER BY j.start_after LIMIT $2 + 1) s),
               least($3,
                 (SELECT min(f.created_on) FROM head h CROSS JOIN LATERAL (
                    SELECT n.created_on FROM (
                      SELECT j.created_on, j.start_after FROM pgboss.%1$I j
                      WHERE j.name = $1 AND j.state < 'active' AND NOT j.blocked AND j.priority = h.priority
                      ORDER BY j.created_on LIMIT 1000) n
                    WHERE n.start_after <= n.created_on LIMIT 1) f),
                 (SELECT j.start_after FROM pgboss.%1$I j WHERE j.state < 'active' AND j.start_after > j.created_on AND j.start_after <= now() ORDER BY j.start_after LIMIT 1))$q$, job_table)
      INTO waiting, scheduled, oldest USING queue, at_most, oldest, waiting;
      IF scheduled > at_most THEN
        scheduled := greatest(scheduled, lovage.estimated_rows(job_table, '_due'));
      END IF;
      waiting := greatest(waiting, scheduled + ready);
      ready := greatest(ready, waiting - scheduled);
    END IF;
    running := CASE WHEN lovage.tells_running(job_table) THEN (SELECT count(*) FROM lovage.running_attempts(queue)) END;
    RETURN NEXT;
  END LOOP;
END
$$;
--> statement-breakpoint
-- The first transaction that wrote history at this time or later: history is in the order of transactions, and these in that
-- of time but for long ones, of which a few rows in a row are looked at.
CREATE FUNCTION lovage.first_transaction_at(moment timestamptz) RETURNS xid8
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
  low numeric := (SELECT e.xid::text::numeric FROM lovage.task_event e WHERE e.xid IS NOT NULL ORDER BY e.xid LIMIT 1);
  high numeric := (SELECT e.xid::text::numeric + 1 FROM lovage.task_event e WHERE e.xid IS NOT NULL ORDER BY e.xid DESC LIMIT 1);
  middle numeric;
  seen timestamptz;
BEGIN
  WHILE low < high LOOP
    middle := floor((low + high) / 2);
    SELECT max(w.at) INTO seen FROM (SELECT e.at FROM lovage.task_event e WHERE e.xid >= middle::text::xid8 ORDER BY e.xid LIMIT 16) w;
    IF seen < moment THEN low := middle + 1; ELSE high := middle; END IF;
  END LOOP;
  RETURN low::text::xid8;
END
$$;
--> statement-breakpoint
-- The newest lines of history, not older than that and `at_most` of them, and from when on they are complete.
CREATE FUNCTION lovage.newest_lines(since interval, at_most int) RETURNS TABLE (task_id uuid, type text, at timestamptz, known_since timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
  WITH lines AS MATERIALIZED (
    SELECT e.task_id, e.type, e.at FROM lovage.task_event e
    WHERE e.xid >= lovage.first_transaction_at(now() - since) ORDER BY e.xid DESC LIMIT at_most
  ), known AS MATERIALIZED (
    SELECT CASE WHEN count(*) < at_most THEN now() - since ELSE greatest(now() - since, min(l.at)) END AS since FROM lines l
  )
  SELECT l.task_id, l.type, l.at, k.since FROM lines l CROSS JOIN known k WHERE l.at >= k.since
$$;
--> statement-breakpoint
-- How many tasks ended how, by name and time, read from the newest lines of history, `at_most` of them. `covers` is how much of
-- a bucket they tell of; `per_second` counts on that.
CREATE FUNCTION lovage.throughput(since interval DEFAULT '1 hour', bucket interval DEFAULT '1 minute', at_most int DEFAULT 200000)
RETURNS TABLE (starts_at timestamptz, covers interval, name text, queue text, outcome text, tasks bigint, per_second numeric, mean_wait interval, mean_run interval)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
  WITH ended AS (
    SELECT date_bin(bucket, l.at, '2000-01-01') AS starts_at, l.type, l.at, l.known_since, t.name, t.queue, t.started_at, t.due_at, t.created_at
    FROM lovage.newest_lines(since, at_most) l JOIN lovage.task t ON t.id = l.task_id
    WHERE l.type IN ('succeeded', 'failed', 'cancelled', 'expired')
  )
  SELECT e.starts_at, c.covers, e.name, e.queue, e.type, count(*), round(count(*) / greatest(extract(epoch FROM c.covers), 1), 2),
         avg(e.started_at - greatest(e.due_at, e.created_at)) FILTER (WHERE e.started_at >= e.due_at), avg(e.at - e.started_at)
  FROM ended e
  CROSS JOIN LATERAL (SELECT least(e.starts_at + bucket, now()) - greatest(e.starts_at, e.known_since) AS covers) c
  GROUP BY 1, 2, 3, 4, 5
  ORDER BY 1 DESC, 3, 5
$$;
--> statement-breakpoint
-- How the tasks of a batch stand, wherever they are.
CREATE FUNCTION lovage.batch_counts(of_batch uuid, OUT succeeded int, OUT failed int, OUT cancelled int, OUT unfinished int)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
  SELECT count(*) FILTER (WHERE m.state = 'succeeded'), count(*) FILTER (WHERE m.state = 'failed'),
         count(*) FILTER (WHERE m.state IN ('cancelled', 'expired')), count(*) FILTER (WHERE NOT lovage.is_final(m.state))
  FROM lovage.batch b
  CROSS JOIN LATERAL (SELECT t.id, t.state FROM lovage.task t WHERE t.batch_id = b.id
                      UNION ALL SELECT a.id, a.state FROM lovage.archived_members(b) a) m
  WHERE b.id = of_batch AND m.id IS DISTINCT FROM b.follow_up_id
$$;
--> statement-breakpoint
-- How the last hundred deliveries of an endpoint went.
CREATE FUNCTION lovage.endpoint_deliveries(of_endpoint uuid, OUT last_delivered_at timestamptz, OUT undelivered int, OUT last_status int, OUT last_error text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
  SELECT max(d.delivered_at), count(*) FILTER (WHERE d.delivered_at IS NULL AND d.tries > 0),
         (array_agg(d.last_status ORDER BY d.id DESC) FILTER (WHERE d.tries > 0))[1], (array_agg(d.last_error ORDER BY d.id DESC) FILTER (WHERE d.tries > 0))[1]
  FROM (SELECT w.* FROM lovage.webhook_delivery w WHERE w.endpoint_id = of_endpoint ORDER BY w.id DESC LIMIT 100) d
$$;
--> statement-breakpoint
-- Sessions that wait for a lock on tables of Lovage's, and whom they wait for. Without their statements, which may hold inputs.
CREATE FUNCTION lovage.lock_waits()
RETURNS TABLE (pid int, waits interval, waits_for text, application text, role text, blocked_by int[], blocker text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT a.pid, now() - coalesce(l.waitstart, a.query_start), coalesce(l.relation::regclass::text, l.locktype), a.application_name, a.usename::text, b.pids,
         (SELECT string_agg(format('pid %s of %s (%s), %s since %s', o.pid, o.usename, coalesce(nullif(o.application_name, ''), 'no name'), o.state,
                                   lovage.iso_time(o.xact_start)), '; ' ORDER BY o.pid)
          FROM pg_stat_activity o WHERE o.pid = ANY (b.pids))
  FROM (SELECT DISTINCT ON (w.pid) w.pid, w.relation, w.locktype, w.waitstart FROM pg_locks w WHERE NOT w.granted) l
  JOIN pg_stat_activity a ON a.pid = l.pid AND a.datname = current_database()
  CROSS JOIN LATERAL (SELECT pg_blocking_pids(a.pid) AS pids) b
$$;
--> statement-breakpoint
-- Views ------------------------------------------------------------------------------------------------------------------------

-- One plain SELECT for the hot table and one for the archive: so `WHERE id = …` and `ORDER BY id DESC LIMIT …` reach both indexes,
-- and what is not asked for is not worked out.
CREATE VIEW lovage.v_tasks AS
SELECT t.id, t.tenant, t.name, t.queue, CASE WHEN t.state = 'queued' AND t.due_at > now() THEN 'scheduled' ELSE t.state::text END AS state,
       t.priority, t.attempt, t.max_attempts, t.failures, t.crashes,
       lovage.task_percent(t.id) AS progress_percent, lovage.task_progress_text(t.id) AS progress, lovage.why(t.id) AS why,
       t.error ->> 'code' AS error_code, t.error ->> 'message' AS error_message, t.tags, t.created_by, t.concurrency_key, t.dedupe_key,
       t.batch_id, t.parent_id, t.parent_step, t.worker_id, t.created_at, t.due_at, t.started_at, t.finished_at,
       greatest(interval '0', CASE WHEN t.attempt > 0 THEN t.started_at ELSE coalesce(t.finished_at, now()) END - greatest(t.created_at, t.due_at)) AS waited,
       CASE WHEN t.state = 'running' THEN now() ELSE t.finished_at END - t.started_at AS ran,
       t.soft_limit_ms * interval '1 ms' AS soft_limit, t.hard_limit_ms * interval '1 ms' AS hard_limit,
       t.cancel_requested_at, t.cancel_requested_by, t.cancel_reason, t.cancel_outcome,
       CASE WHEN t.state = 'running' AND t.overdue_at >= t.started_at THEN t.overdue_at END AS overdue_at,
       NULL::timestamptz AS archived_at, NULL::timestamptz AS expires_at
FROM lovage.task t
UNION ALL
SELECT a.id, a.tenant, a.name, a.queue, a.state::text,
       (a.task ->> 'priority')::int, a.attempt, (a.task ->> 'max_attempts')::int, (a.task ->> 'failures')::int, (a.task ->> 'crashes')::int,
       lovage.percent((a.kept #>> '{progress,current}')::bigint, (a.kept #>> '{progress,total}')::bigint),
       lovage.progress_text((a.kept #>> '{progress,current}')::bigint, (a.kept #>> '{progress,total}')::bigint, a.kept #>> '{progress,message}'),
       CASE a.state WHEN 'failed' THEN concat_ws(': ', a.task #>> '{error,code}', a.task #>> '{error,message}')
                    WHEN 'succeeded' THEN NULL ELSE concat_ws(': ', 'by ' || (a.task ->> 'cancel_requested_by'), a.task ->> 'cancel_reason') END,
       a.task #>> '{error,code}', a.task #>> '{error,message}', a.tags, a.task ->> 'created_by', a.task ->> 'concurrency_key', a.task ->> 'dedupe_key',
       a.batch_id, a.parent_id, a.task ->> 'parent_step', (a.task ->> 'worker_id')::uuid, a.created_at, (a.task ->> 'due_at')::timestamptz,
       (a.task ->> 'started_at')::timestamptz, a.finished_at,
       greatest(interval '0', CASE WHEN a.attempt > 0 THEN (a.task ->> 'started_at')::timestamptz ELSE a.finished_at END - greatest(a.created_at, (a.task ->> 'due_at')::timestamptz)),
       a.finished_at - (a.task ->> 'started_at')::timestamptz,
       (a.task ->> 'soft_limit_ms')::int * interval '1 ms', (a.task ->> 'hard_limit_ms')::int * interval '1 ms',
       (a.task ->> 'cancel_requested_at')::timestamptz, a.task ->> 'cancel_requested_by', a.task ->> 'cancel_reason', a.task ->> 'cancel_outcome',
       NULL::timestamptz, a.archived_at, a.expires_at
FROM lovage.task_archive a;
--> statement-breakpoint
CREATE VIEW lovage.v_events AS
SELECT e.task_id, e.number, e.at, e.type, e.attempt, coalesce(e.data ->> 'by', 'worker ' || (e.data ->> 'worker')) AS by,
       coalesce(e.data ->> 'reason', e.data #>> '{error,message}', e.data ->> 'message') AS detail, lovage.shown_data(e.data) AS data
FROM lovage.task_event e
UNION ALL
SELECT a.id, (l.line ->> 'number')::int, (l.line ->> 'at')::timestamptz, l.line ->> 'type', (l.line ->> 'attempt')::int,
       coalesce(l.line #>> '{data,by}', 'worker ' || (l.line #>> '{data,worker}')),
       coalesce(l.line #>> '{data,reason}', l.line #>> '{data,error,message}', l.line #>> '{data,message}'), lovage.shown_data(l.line -> 'data')
FROM lovage.task_archive a CROSS JOIN LATERAL jsonb_array_elements(a.events) AS l (line);
--> statement-breakpoint
CREATE VIEW lovage.v_attempts AS
SELECT s.task_id, s.attempt, s.at AS started_at, e.at AS ended_at, coalesce(e.at, now()) - s.at AS ran, coalesce(e.type, 'running') AS outcome,
       (s.data ->> 'worker')::uuid AS worker_id, e.data #>> '{error,code}' AS error_code,
       coalesce(e.data #>> '{error,message}', e.data ->> 'reason') AS error_message
FROM lovage.task_event s
LEFT JOIN LATERAL (
  SELECT o.at, o.type, o.data FROM lovage.task_event o
  WHERE o.task_id = s.task_id AND o.attempt = s.attempt AND o.number > s.number
    AND o.type IN ('succeeded', 'failed', 'cancelled', 'expired', 'retrying', 'crashed', 'rescued', 'snoozed', 'handed_back', 'waiting', 'requeued')
  ORDER BY o.number LIMIT 1) e ON true
WHERE s.type = 'started'
UNION ALL
SELECT a.id, (s.line ->> 'attempt')::int, (s.line ->> 'at')::timestamptz, (e.line ->> 'at')::timestamptz,
       (e.line ->> 'at')::timestamptz - (s.line ->> 'at')::timestamptz, e.line ->> 'type', (s.line #>> '{data,worker}')::uuid,
       e.line #>> '{data,error,code}', coalesce(e.line #>> '{data,error,message}', e.line #>> '{data,reason}')
FROM lovage.task_archive a
CROSS JOIN LATERAL jsonb_array_elements(a.events) WITH ORDINALITY AS s (line, place)
LEFT JOIN LATERAL (
  SELECT o.line FROM jsonb_array_elements(a.events) WITH ORDINALITY AS o (line, place)
  WHERE o.place > s.place AND o.line -> 'attempt' = s.line -> 'attempt'
    AND o.line ->> 'type' IN ('succeeded', 'failed', 'cancelled', 'expired', 'retrying', 'crashed', 'rescued', 'snoozed', 'handed_back', 'waiting', 'requeued')
  ORDER BY o.place LIMIT 1) e ON true
WHERE s.line ->> 'type' = 'started';
--> statement-breakpoint
CREATE VIEW lovage.v_payloads AS
SELECT t.id, t.tenant, t.name, t.input, r.output AS result, r.expires_at AS result_expires_at
FROM lovage.task t LEFT JOIN lovage.task_result r ON r.task_id = t.id AND r.expires_at > now()
UNION ALL
SELECT a.id, a.tenant, a.name, a.task -> 'input', r.output, r.expires_at
FROM lovage.task_archive a LEFT JOIN lovage.task_result r ON r.task_id = a.id AND r.expires_at > now();
--> statement-breakpoint
CREATE VIEW lovage.v_running AS
SELECT t.id, t.tenant, t.name, t.queue, t.attempt, t.max_attempts, now() - t.started_at AS running_for,
       lovage.percent(p.current, p.total) AS progress_percent, lovage.progress_text(p.current, p.total, p.message) AS progress,
       now() - p.updated_at AS progress_age,
       coalesce(t.soft_limit_ms, d.soft_limit_ms) * interval '1 ms' AS soft_limit, coalesce(t.hard_limit_ms, d.hard_limit_ms) * interval '1 ms' AS hard_limit,
       CASE WHEN t.overdue_at >= t.started_at THEN now() - t.overdue_at END AS overdue_for,
       now() - t.cancel_requested_at AS cancel_requested_for, t.cancel_requested_by, t.cancel_reason,
       t.worker_id, w.host, w.pid, now() - w.heartbeat_at AS worker_silent_for, t.crashes, t.created_by, t.concurrency_key, t.started_at
FROM lovage.running_tasks() AS r (id)
JOIN lovage.task t ON t.id = r.id
LEFT JOIN lovage.task_progress p ON p.task_id = t.id AND p.attempt = t.attempt
LEFT JOIN lovage.definition d ON d.name = t.name
LEFT JOIN lovage.worker w ON w.id = t.worker_id
WHERE t.state = 'running';
--> statement-breakpoint
CREATE VIEW lovage.v_queue_depth AS
SELECT q.queue, coalesce(c.waiting, 0) AS waiting, coalesce(c.ready, 0) AS ready, coalesce(c.is_more, false) AS is_more, c.running,
       now() - c.oldest AS oldest_ready, s.workers, s.slots, q.paused_at IS NOT NULL AS is_paused,
       concat_ws(': ', 'by ' || q.paused_by, q.pause_reason) AS paused, now() - q.paused_at AS paused_for,
       q.max_running, q.max_per_key, CASE WHEN q.rate_limit IS NOT NULL THEN format('%s in %s', q.rate_limit, q.rate_period_ms * interval '1 ms') END AS rate,
       q.limited_by,
       CASE WHEN c.queue IS NULL THEN 'its table is gone: lovage migrate brings it back'
            WHEN q.paused_at IS NOT NULL THEN 'it is paused'
            WHEN coalesce(c.ready, 0) = 0 THEN NULL
            WHEN s.workers = 0 THEN 'no live worker serves it'
            WHEN c.running >= q.max_running THEN 'its limit is reached'
            WHEN c.running >= s.slots THEN 'every slot is taken' END AS why
FROM lovage.queue_control q
LEFT JOIN lovage.queue_depths() c ON c.queue = q.queue
CROSS JOIN LATERAL (
  SELECT count(*)::int AS workers, coalesce(sum(w.slots), 0)::int AS slots FROM lovage.worker w
  WHERE q.queue = ANY (w.queues) AND w.stopped_at IS NULL AND w.lost_at IS NULL AND NOT w.draining AND w.heartbeat_at > now() - interval '15 s') s
WHERE q.queue <> 'lovage' OR q.paused_at IS NOT NULL;
--> statement-breakpoint
CREATE VIEW lovage.v_failures AS
SELECT e.at AS failed_at, now() - e.at AS ago, e.task_id AS id, t.tenant, t.name, t.queue, e.attempt, t.max_attempts, t.crashes,
       e.data #>> '{error,code}' AS error_code, e.data #>> '{error,message}' AS error_message, t.created_by, t.state::text AS state_now
FROM lovage.task_event e JOIN lovage.task t ON t.id = e.task_id
WHERE e.type = 'failed';
--> statement-breakpoint
CREATE VIEW lovage.v_workers AS
SELECT w.id, w.host, w.pid, w.version,
       CASE WHEN w.lost_at IS NOT NULL THEN 'lost' WHEN w.stopped_at IS NOT NULL THEN 'stopped'
            WHEN w.heartbeat_at < now() - interval '15 s' THEN 'silent' WHEN w.suspect_at IS NOT NULL THEN 'suspect'
            WHEN w.draining OR w.drain_requested_at IS NOT NULL THEN 'draining' ELSE 'live' END AS state,
       w.queues, w.slots, coalesce(r.running, 0)::int AS running, coalesce(w.stopped_at, w.lost_at, now()) - w.started_at AS up_for,
       now() - w.heartbeat_at AS heartbeat_age, pg_size_pretty(w.rss_bytes) AS memory, w.lease_key IS NOT NULL AS has_lease,
       w.drain_requested_by, w.started_at, w.stopped_at, w.lost_at
FROM lovage.worker w
LEFT JOIN (SELECT t.worker_id, count(*) AS running FROM lovage.running_tasks() AS o (id) JOIN lovage.task t ON t.id = o.id AND t.state = 'running'
           GROUP BY t.worker_id) r ON r.worker_id = w.id
WHERE (w.stopped_at IS NULL AND w.lost_at IS NULL) OR greatest(w.stopped_at, w.lost_at, w.heartbeat_at) > now() - interval '1 day';
--> statement-breakpoint
CREATE VIEW lovage.v_throughput AS
SELECT p.starts_at, p.covers, p.name, p.queue, p.outcome, p.tasks, p.per_second, p.mean_wait, p.mean_run FROM lovage.throughput() p;
--> statement-breakpoint
CREATE VIEW lovage.v_definitions AS
SELECT d.name, d.queue, d.max_attempts, d.priority, d.result_ttl_ms * interval '1 ms' AS result_ttl, d.soft_limit_ms * interval '1 ms' AS soft_limit,
       d.hard_limit_ms * interval '1 ms' AS hard_limit, d.archive_after_ms * interval '1 ms' AS archive_after, d.retention_ms * interval '1 ms' AS retention,
       d.policy ? 'dedupe' AS dedupes, d.policy ? 'concurrencyKey' AS has_concurrency_key, d.policy ->> 'isolation' AS isolation,
       d.input_schema, d.version, d.updated_at
FROM lovage.definition d;
--> statement-breakpoint
CREATE VIEW lovage.v_schedules AS
SELECT s.tenant, s.name, s.task_name, s.kind, s.expression, s.time_zone, s.missed, s.source, s.next_at, s.next_at - now() AS next_in, s.last_at,
       s.paused_at IS NOT NULL AS is_paused, s.paused_by, now() - s.paused_at AS paused_for, l.kind AS last_kind, l.task_id AS last_task_id,
       l.error AS last_error,
       CASE WHEN s.paused_at IS NOT NULL THEN 'it is paused' WHEN s.next_at IS NULL THEN 'nothing is left to come'
            WHEN s.next_at > now() - interval '10 s' THEN NULL
            WHEN NOT EXISTS (SELECT FROM lovage.worker w WHERE w.stopped_at IS NULL AND w.lost_at IS NULL AND s.task_name = ANY (w.tasks)
                             AND w.heartbeat_at > now() - interval '15 s') THEN format('due, and no live worker knows "%s"', s.task_name)
            ELSE 'due, and about to start' END AS why,
       s.created_by, s.created_at, s.updated_at
FROM lovage.schedule s
LEFT JOIN LATERAL (SELECT r.kind, r.task_id, r.error FROM lovage.schedule_run r WHERE r.schedule_id = s.id ORDER BY r.occurrence DESC LIMIT 1) l ON true;
--> statement-breakpoint
CREATE VIEW lovage.v_webhooks AS
SELECT e.id, e.tenant, lovage.shown_url(e.url) AS url, e.actor, e.events, e.disabled_at, e.disabled_reason,
       CASE WHEN e.disabled_at IS NOT NULL THEN 'disabled' WHEN d.undelivered > 0 THEN 'failing' ELSE 'ok' END AS state,
       d.last_delivered_at, d.undelivered, d.last_status, d.last_error, e.created_by, e.created_at
FROM lovage.webhook_endpoint e CROSS JOIN LATERAL lovage.endpoint_deliveries(e.id) d;
--> statement-breakpoint
CREATE VIEW lovage.v_deliveries AS
SELECT d.id, d.tenant, d.endpoint_id, lovage.shown_url(d.url) AS url, d.event, d.task_id, d.batch_id, d.created_at, d.delivered_at, d.tries,
       d.last_status, d.last_error,
       CASE WHEN d.delivered_at IS NOT NULL THEN 'delivered' WHEN t.state IN ('failed', 'cancelled', 'expired') OR t.id IS NULL THEN 'failed'
            WHEN d.tries > 0 THEN 'retrying' ELSE 'waiting' END AS state,
       CASE WHEN t.state IN ('queued', 'retrying') THEN t.due_at END AS next_try_at
FROM lovage.webhook_delivery d LEFT JOIN lovage.task t ON t.id = d.id;
--> statement-breakpoint
CREATE VIEW lovage.v_batches AS
SELECT b.id, b.tenant, b.label,
       CASE WHEN b.finished_at IS NOT NULL THEN 'finished' WHEN b.cancel_requested_at IS NOT NULL THEN 'cancelling' ELSE 'running' END AS state,
       b.size, c.succeeded, c.failed, c.cancelled, c.unfinished, lovage.percent(b.size - c.unfinished, b.size) AS progress_percent,
       b.follow_up_id, b.created_by, b.created_at, b.cancel_requested_at, b.finished_at, coalesce(b.finished_at, now()) - b.created_at AS took
FROM lovage.batch b CROSS JOIN LATERAL lovage.batch_counts(b.id) c;
--> statement-breakpoint
CREATE VIEW lovage.v_locks AS
SELECT l.pid, l.waits, l.waits_for, l.application, l.role, l.blocked_by, l.blocker FROM lovage.lock_waits() l;
--> statement-breakpoint
-- What needs a hand, with the statement that helps.
CREATE VIEW lovage.v_stuck AS
SELECT 'overdue' AS problem, r.id, r.name, r.queue, r.overdue_for AS lasts,
       format('attempt %s is past its limit or its grace and cannot be ended but with worker %s (pid %s on %s)', r.attempt, r.worker_id, r.pid, r.host) AS detail,
       format('SELECT lovage.cancel(%L); then end process %s on %s', r.id, r.pid, r.host) AS remedy
FROM lovage.v_running r WHERE r.overdue_for IS NOT NULL
UNION ALL
SELECT 'cancel ignored', r.id, r.name, r.queue, r.cancel_requested_for, format('told to stop by %s; it runs on on worker %s (pid %s on %s)',
       r.cancel_requested_by, r.worker_id, r.pid, r.host), format('end process %s on %s', r.pid, r.host)
FROM lovage.v_running r WHERE r.cancel_requested_for > interval '30 s' AND r.overdue_for IS NULL
UNION ALL
SELECT 'worker silent', r.id, r.name, r.queue, r.worker_silent_for, format('worker %s (pid %s on %s) says nothing', r.worker_id, r.pid, r.host),
       'another worker takes it over; is one running? SELECT * FROM lovage.v_workers'
FROM lovage.v_running r WHERE r.worker_silent_for > interval '15 s'
UNION ALL
SELECT 'runaway', r.id, r.name, r.queue, r.running_for,
       concat_ws(', ', format('past its soft limit of %s', r.soft_limit),
                 coalesce('at ' || r.progress || ', told ' || date_trunc('second', r.progress_age) || ' ago', 'it told no progress')),
       format('SELECT lovage.cancel(%L, ''runaway'')', r.id)
FROM lovage.v_running r WHERE r.running_for > r.soft_limit AND r.overdue_for IS NULL AND r.cancel_requested_for IS NULL
UNION ALL
SELECT 'poisoned', x.id, x.name, x.queue, x.lasts, x.detail, format('SELECT lovage.cancel(%L); mend its cause, then SELECT lovage.retry(%L)', x.id, x.id)
FROM (SELECT DISTINCT ON (t.id) t.id, t.name, t.queue, now() - e.at AS lasts,
             format('%s crashes, now %s: %s', t.crashes, t.state, t.error ->> 'message') AS detail
      FROM lovage.task_event e JOIN lovage.task t ON t.id = e.task_id
      WHERE e.type IN ('failed', 'crashed', 'rescued') AND e.at > now() - interval '1 day' AND t.crashes > 0 AND t.state NOT IN ('succeeded', 'cancelled', 'expired')
      ORDER BY t.id, e.at) x
UNION ALL
SELECT CASE WHEN q.is_paused THEN 'paused' ELSE 'not served' END, NULL, NULL, q.queue, CASE WHEN q.is_paused THEN q.paused_for ELSE q.oldest_ready END,
       concat_ws(' ', format('%s%s due,', CASE WHEN q.is_more THEN 'about ' END, q.ready), q.why, q.paused),
       CASE WHEN q.is_paused THEN format('SELECT lovage.resume(%L)', q.queue) ELSE format('start a worker: lovage worker --queues %s', q.queue) END
FROM lovage.v_queue_depth q WHERE q.ready > 0 AND (q.is_paused OR q.workers = 0)
UNION ALL
SELECT 'schedule', NULL, s.task_name, NULL, now() - s.next_at, format('schedule "%s": %s', s.name, s.why), 'start a worker that knows it'
FROM lovage.v_schedules s WHERE s.next_at < now() - interval '1 minute' AND NOT s.is_paused
UNION ALL
SELECT 'webhook', NULL, NULL, NULL, now() - w.last_delivered_at, format('webhook %s to %s is %s: %s', w.id, w.url, w.state, coalesce(w.disabled_reason, w.last_error)),
       'mend the receiver; then lovage webhooks or SELECT lovage.replay_delivery(id) FROM lovage.v_deliveries'
FROM lovage.v_webhooks w WHERE w.state <> 'ok';
--> statement-breakpoint
-- What \d+ says of them ---------------------------------------------------------------------------------------------------------
DO $$
DECLARE
  said CONSTANT jsonb := '{
    "id": "the task''s id", "task_id": "the task''s id", "tenant": "whose it is", "name": "the name of its definition", "queue": "its queue",
    "state": "queued, scheduled, running, waiting, retrying, succeeded, failed, cancelled or expired",
    "priority": "higher runs first", "attempt": "the number of the attempt; 0 before the first", "max_attempts": "so many attempts may fail",
    "failures": "attempts that have failed, since the last retry by hand", "crashes": "attempts whose process died; after three the task is quarantined",
    "progress_percent": "how far, in percent, where a total is known", "progress": "how far, in words", "why": "why it stands where it stands; null: all is well",
    "error_code": "what callers branch on", "error_message": "what went wrong", "tags": "what its caller tagged it with",
    "created_by": "who made it: key:NAME, cli:USER, sql:USER or schedule:NAME", "concurrency_key": "of one key so many run at a time",
    "dedupe_key": "of one key but one task at a time that is not final", "batch_id": "the batch it came with", "parent_id": "the task whose handler made it",
    "parent_step": "under which step of it", "worker_id": "the worker of the last attempt", "created_at": "when it was accepted",
    "due_at": "not before this it runs", "started_at": "when the attempt started", "finished_at": "when it ended for good",
    "waited": "from when it was due to when it started, or to now", "ran": "how long the attempt ran, or runs by now",
    "soft_limit": "after this its signal is aborted; null: as its definition says", "hard_limit": "after this it is stopped; null: as its definition says",
    "cancel_requested_at": "when somebody asked for its end", "cancel_requested_by": "who did", "cancel_reason": "why he did",
    "cancel_outcome": "how it ended then: obeyed, killed or abandoned", "overdue_at": "since when it should have ended and cannot be ended",
    "archived_at": "when it went into the archive; null: it is in the hot table", "expires_at": "when the archive may drop it",
    "running_for": "how long the attempt has run", "overdue_for": "how long it has been past its hard limit or its grace",
    "progress_age": "how long ago it last told how far it is", "cancel_requested_for": "how long ago somebody asked for its end",
    "worker_silent_for": "how long ago its worker last said that it lives", "host": "the machine of the worker", "pid": "the process",
    "number": "events of a task run from 1 without a gap", "at": "when", "type": "queued, started, progress, log, retrying, a final state …",
    "by": "who: key:NAME, cli:USER, sql:USER, lovage, or the worker", "detail": "the reason, the error or the line, in words", "data": "all that is known of it, but stacks",
    "outcome": "how it ended", "failed_at": "when it failed", "ago": "how long ago", "state_now": "what has become of it since", "action": "the verb",
    "version": "of the program, or of the definition", "starts_at": "the beginning of the bucket", "covers": "how much of the bucket is known",
    "tasks": "how many ended", "per_second": "how many a second, over what is covered", "mean_wait": "from due to start", "mean_run": "from start to end",
    "is_paused": "nothing of it starts", "paused_by": "who paused it", "paused_for": "since how long", "updated_at": "when it last changed",
    "last_status": "the HTTP status of the last try", "last_error": "what went wrong the last time", "url": "where it goes, without user, password and query",
    "event": "such as task.succeeded", "events": "which it wants; empty: all", "actor": "whose tasks only; null: all", "drain_requested_by": "who asked it to drain",
    "v_workers.id": "the boot id of the worker", "v_workers.state": "live, draining, suspect (its lease is free), silent, stopped or lost (its tasks were taken over)",
    "v_workers.queues": "which it serves", "v_workers.slots": "so many at a time", "v_workers.running": "so many now", "v_workers.up_for": "how long it has lived",
    "v_workers.heartbeat_age": "how long ago it last said that it lives", "v_workers.memory": "of its process", "v_workers.has_lease": "false: it goes by its heartbeat alone",
    "v_workers.started_at": "when it started", "v_workers.stopped_at": "when it ended in order", "v_workers.lost_at": "when others took its tasks over",
    "v_queue_depth.waiting": "tasks that wait, counted up to 10,000 and estimated beyond", "v_queue_depth.ready": "of these, those that are due", "v_queue_depth.is_more": "more than were counted: both are estimates",
    "v_queue_depth.running": "tasks that run; null where telling would mean to read a large backlog", "v_queue_depth.oldest_ready": "for how long the oldest has been due",
    "v_queue_depth.workers": "live workers that serve it", "v_queue_depth.slots": "their slots, over all their queues", "v_queue_depth.paused": "by whom and why",
    "v_queue_depth.max_running": "so many at a time over all workers", "v_queue_depth.max_per_key": "of one concurrency key", "v_queue_depth.rate": "starts in a time",
    "v_queue_depth.limited_by": "who set the limits by hand; null: they are the configuration''s", "v_queue_depth.why": "what holds it back",
    "v_attempts.ended_at": "when it ended; null: it runs", "v_attempts.outcome": "running, or how it ended: retrying means failed, and tried again",
    "v_payloads.input": "what it was given", "v_payloads.result": "what it returned, as long as that is kept", "v_payloads.result_expires_at": "until when",
    "v_definitions.result_ttl": "so long results are kept", "v_definitions.archive_after": "so long it stays in the hot table when final; null: as its queue says",
    "v_definitions.retention": "so long in the archive then; null: as its queue says", "v_definitions.dedupes": "enqueue() needs a dedupe_key",
    "v_definitions.has_concurrency_key": "enqueue() wants a key", "v_definitions.isolation": "inline, or process", "v_definitions.input_schema": "JSON Schema of its input",
    "v_schedules.name": "the name of the schedule", "v_schedules.task_name": "what it starts", "v_schedules.kind": "cron or rrule", "v_schedules.expression": "when", "v_schedules.time_zone": "in which time zone",
    "v_schedules.missed": "what becomes of occurrences that nobody ran: skip, or once", "v_schedules.source": "config or api", "v_schedules.next_at": "the next time; null: none is left",
    "v_schedules.next_in": "the same, from now", "v_schedules.last_at": "when it last started something", "v_schedules.last_kind": "due, made_up, by_hand or skipped",
    "v_schedules.last_task_id": "what that started", "v_schedules.last_error": "why it started nothing", "v_schedules.created_at": "when it was made",
    "v_webhooks.id": "the id of the endpoint", "v_webhooks.disabled_at": "since when nothing is sent", "v_webhooks.disabled_reason": "why", "v_webhooks.state": "ok, failing or disabled",
    "v_webhooks.last_delivered_at": "when a delivery last arrived", "v_webhooks.undelivered": "of the last hundred, those that were tried in vain so far", "v_webhooks.created_at": "when it was made",
    "v_deliveries.id": "the webhook-id that its receiver sees", "v_deliveries.endpoint_id": "null: a callback of one task or batch", "v_deliveries.delivered_at": "when it arrived",
    "v_deliveries.tries": "how often it was tried", "v_deliveries.state": "waiting, retrying, delivered or failed", "v_deliveries.next_try_at": "when it is tried again",
    "v_batches.id": "the id of the batch", "v_batches.label": "what its caller called it", "v_batches.state": "running, cancelling or finished", "v_batches.size": "how many tasks it has",
    "v_batches.succeeded": "so many of them", "v_batches.failed": "so many of them", "v_batches.cancelled": "cancelled or expired", "v_batches.unfinished": "not final yet",
    "v_batches.follow_up_id": "the task that gets the results", "v_batches.took": "how long it has taken", "v_locks.pid": "the session that waits", "v_locks.waits": "how long",
    "v_locks.waits_for": "on which table, or what kind of lock", "v_locks.application": "what it calls itself", "v_locks.role": "as whom it logged in",
    "v_locks.blocked_by": "the sessions in its way: pg_terminate_backend(pid) ends one", "v_locks.blocker": "who they are",
    "v_stuck.problem": "overdue, cancel ignored, worker silent, runaway, poisoned, paused, not served, schedule or webhook", "v_stuck.lasts": "since how long", "v_stuck.remedy": "what helps",
    "v_audit.id": "in the order of time", "v_audit.actor": "who: key:NAME, cli:USER or sql:USER", "v_audit.target": "what it was done to", "v_audit.outcome": "ok, or the error''s code",
    "v_audit.ip": "from where", "v_audit.request_id": "of the API''s request", "v_audit.detail": "what was asked and what came of it"
  }';
  views CONSTANT jsonb := '{
    "v_tasks": "Every task, hot or archived, without input and result. Cheap by id (WHERE id = …, ORDER BY id DESC LIMIT …), name and queue; ids are in the order of time.",
    "v_running": "What runs now. Of a queue without limits and with some 100,000 waiting, only what stands among its 10,000 oldest jobs.",
    "v_queue_depth": "Each queue: what waits, who serves it, what holds it back.", "v_failures": "Attempts that failed for good, by failed_at, as long as their tasks are not archived.",
    "v_workers": "Workers that live, and those that ended within a day.", "v_attempts": "Each attempt of a task: ask WHERE task_id = …",
    "v_events": "The history of a task: ask WHERE task_id = … ORDER BY number", "v_payloads": "Inputs and results, for operators: ask WHERE id = …",
    "v_throughput": "How many tasks ended in each minute of the last hour, by name and outcome, as far as the newest 200,000 lines of history tell. More: lovage.throughput().",
    "v_definitions": "The tasks that there are, and their policy.", "v_schedules": "What is started by itself, and when next.", "v_webhooks": "Who is told of ends, and whether it arrives.",
    "v_deliveries": "Messages to webhooks: newest by ORDER BY id DESC LIMIT …", "v_batches": "Batches and how far they are: newest by ORDER BY id DESC LIMIT …",
    "v_locks": "Sessions that wait for a lock, and for whom.", "v_stuck": "What needs a hand, and the statement that helps.", "v_audit": "Who did what, from where and when, the newest last in id."
  }';
  functions CONSTANT jsonb := '{
    "contract_version()": "The version of these views and functions. It rises when one goes or changes its meaning.",
    "enqueue(text,jsonb,int,interval,timestamptz,text[],text,text,text,int)": "Accepts a task and returns its id. The name is checked now, the input when a worker takes it (failed, code validation).",
    "cancel(uuid,text)": "Cancels a task: cancelled (it waited), requested (its handler is told to stop), already_final or not_found.",
    "cancel_many(uuid[],text)": "Cancels tasks, in one transaction: how many were cancelled, and of how many it was requested.",
    "retry(uuid)": "Runs a final task again under its id: queued, not_final or not_found.", "retry_many(uuid[])": "Runs final tasks again, in one transaction: how many.",
    "pause(text,text)": "Nothing of the queue is claimed until resume(): paused, already_paused or not_found.", "resume(text)": "resumed, not_paused or not_found.",
    "limit_queue(text,int,int,int,interval)": "Sets all limits of a queue, null for none, whatever the configuration says, until follow_config(): limited or not_found.",
    "follow_config(text)": "The configuration''s limits again, from the next start on: follows_config, not_limited or not_found.",
    "drain_worker(uuid)": "The worker ends as by SIGTERM, within its grace: draining, already_draining, already_ended or not_found.",
    "pause_schedule(text,text)": "Starts nothing until resume_schedule(): paused, already_paused or not_found.", "resume_schedule(text,text)": "resumed, not_paused or not_found.",
    "run_schedule(text,text,text,text)": "Starts the schedule''s task now and returns its id.", "cancel_batch(uuid,text)": "Cancels what has not ended of a batch: cancelled, requested, already_finished or not_found.",
    "replay_delivery(uuid)": "Delivers a webhook''s message once more: queued, not_final or not_found.", "explain(uuid)": "Why a task is not running now, the most decisive reason first.",
    "check_invariants()": "One row for each thing that is wrong, none when all is well. Reads whole tables.", "reconcile()": "Mends what no trigger saw; one row for each mend.",
    "throughput(interval,interval,int)": "How many tasks ended how since so long ago, in buckets of so long, from at most so many lines of history.",
    "vacuum_holders(interval,bigint)": "Who keeps vacuum from removing what is dead."
  }';
  col record;
  entry record;
BEGIN
  FOR entry IN SELECT * FROM jsonb_each_text(views) LOOP
    EXECUTE format('COMMENT ON VIEW lovage.%I IS %L', entry.key, entry.value);
  END LOOP;
  FOR entry IN SELECT * FROM jsonb_each_text(functions) LOOP
    EXECUTE format('COMMENT ON FUNCTION lovage.%s IS %L', entry.key, entry.value);
  END LOOP;
  FOR col IN SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
             WHERE c.relnamespace = 'lovage'::regnamespace AND c.relkind = 'v' AND views ? c.relname LOOP
    EXECUTE format('COMMENT ON COLUMN lovage.%I.%I IS %L', col.relname, col.attname,
                   coalesce(said ->> (col.relname || '.' || col.attname), said ->> col.attname));
  END LOOP;
END
$$;
--> statement-breakpoint
DO $$
DECLARE
  own regprocedure;
BEGIN
  FOR own IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'lovage'::regnamespace AND p.proname IN (
    'contract_version', 'is_by_hand', 'distrust_settings', 'note_by_hand', 'like_names', 'warn_unknown', 'queue_names', 'task_names', 'schedule_names', 'add_by_name',
    'enqueue', 'retry_many', 'cancel_many', 'cancel_patiently', 'limit_queue', 'follow_config', 'drain_worker', 'run_schedule', 'percent', 'progress_text',
    'task_percent', 'task_progress_text', 'why', 'shown_data', 'shown_url', 'running_tasks', 'queue_depths', 'first_transaction_at', 'throughput',
    'batch_counts', 'endpoint_deliveries', 'lock_waits', 'estimated_rows', 'newest_lines') LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', own);
  END LOOP;
END
$$;
