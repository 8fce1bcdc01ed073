-- Limits of queues and pause, enforced by the claim. A queue without limits is claimed by pg-boss's own fetch; one with
-- limits by claim_within_limits(), which holds the queue's control row over count and claim: whoever counts sees all that
-- was claimed before.
--
-- A transaction-local setting more: lovage.at, when the tasks of a claim start. A claim that waited for the control row
-- began long before that.

-- The first of a claim's statements: who claims, and by which index. On poor statistics Postgres would rather read and sort
-- all that waits.
CREATE FUNCTION lovage.begin_claim(of_queue text, by_worker uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- set_limits() waits for the claims that know of no limits yet.
  PERFORM pg_advisory_xact_lock_shared(hashtext('lovage.begin_claim'), hashtext(of_queue));
  IF EXISTS (SELECT FROM lovage.queue_control q
             WHERE q.queue = of_queue
               AND (q.paused_at IS NOT NULL OR q.max_running IS NOT NULL OR q.max_per_key IS NOT NULL OR q.rate_limit IS NOT NULL)) THEN
    RAISE EXCEPTION 'queue "%" has limits or is paused: its worker claims within them from now on', of_queue
    USING ERRCODE = 'LV001';
  END IF;
  PERFORM set_config('lovage.worker', by_worker::text, true), set_config('lovage.claimed', '{}', true),
          set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true),
          set_config('enable_seqscan', 'off', true);
END
$$;
--> statement-breakpoint
-- A worker's claim within the limits of a queue, if it has any. `wait_ms`: its rate allows the next start after so long.
-- `is_held`: something waits, or may, until a place comes free or the pause ends. `is_limited`: places come free as tasks end.
-- `is_open`: nothing holds the queue back. Needs READ COMMITTED: each statement sees what was committed before it, and so
-- what those did who held the control row before.
CREATE FUNCTION lovage.claim_within_limits(of_queue text, by_worker uuid, wanted int, OUT ids uuid[], OUT wait_ms double precision,
                                           OUT is_held boolean, OUT is_limited boolean, OUT is_open boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO' SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
DECLARE
  job_table text := lovage.job_table(of_queue);
  control lovage.queue_control;
  busy jsonb := '{}';
  places int := wanted;
  moment timestamptz;
  allowed int;
  oldest timestamptz;
BEGIN
  SELECT * INTO control FROM lovage.queue_control q WHERE q.queue = of_queue FOR NO KEY UPDATE;
  PERFORM set_config('lovage.claimed', '{}', true);
  ids := '{}';
  is_limited := control.max_running IS NOT NULL OR control.max_per_key IS NOT NULL;
  is_held := control.paused_at IS NOT NULL;
  is_open := NOT is_held AND NOT is_limited AND control.rate_limit IS NULL;
  IF is_held THEN
    RETURN;
  END IF;

  IF is_limited THEN
    EXECUTE format(
      'SELECT least($1, $2 - coalesce(sum(r.running), 0)), coalesce(jsonb_object_agg(r.key, r.running) FILTER (WHERE r.key <> ''''), ''{}'')
       FROM (SELECT j.singleton_key AS key, count(*) AS running FROM pgboss.%I j
             WHERE j.state = ''active'' AND length(j.name) > 0 GROUP BY 1) r', job_table)
    INTO places, busy USING wanted, control.max_running;
  END IF;
  -- After the count: whatever ended before it ended before this.
  moment := clock_timestamp();
  IF control.rate_limit IS NOT NULL THEN
    SELECT control.rate_limit - coalesce(sum(s.started), 0), min(s.at) INTO allowed, oldest FROM lovage.queue_start s
    WHERE s.queue = of_queue AND s.at >= moment - control.rate_period_ms * interval '1 ms';
  END IF;

  IF least(places, allowed) > 0 THEN
    PERFORM set_config('lovage.worker', by_worker::text, true), set_config('lovage.at', moment::text, true);
    SELECT t.ids, t.is_held INTO ids, is_held
    FROM lovage.take_jobs(of_queue, job_table, least(places, allowed), control.max_per_key, busy, moment) t;
    PERFORM set_config('lovage.worker', '', true), set_config('lovage.at', '', true);
  END IF;
  IF cardinality(ids) > 0 AND control.rate_limit IS NOT NULL THEN
    PERFORM lovage.record_starts(of_queue, moment, cardinality(ids), control.rate_period_ms);
  END IF;
  IF allowed <= places AND allowed < wanted AND cardinality(ids) >= allowed THEN
    wait_ms := extract(epoch FROM coalesce(oldest, moment) - moment) * 1000 + control.rate_period_ms;
  ELSE
    is_held := cardinality(ids) < wanted AND (is_held OR places < wanted);
  END IF;
END
$$;
--> statement-breakpoint
-- Up to `places` due jobs in pg-boss's order, no more of a key than it has places. At the head of the queue may stand any
-- number of jobs whose keys are full: after so many of them the keys themselves are asked for their first jobs, unless
-- there are so many keys that reading on costs less.
CREATE FUNCTION lovage.pick_jobs(of_queue text, job_table text, places int, max_per_key int, busy jsonb, due timestamptz,
                                 passed uuid[], OUT ids uuid[], OUT is_held boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
  ahead CONSTANT int := 2000;
  many_keys CONSTANT int := 1000;
  -- Without the queue's name, which all of this table have: with it Postgres might look for a key along the queue's order.
  waiting text := format('FROM pgboss.%I j WHERE j.state < ''active'' AND NOT j.blocked', job_table);
  -- Before 15 Postgres looks up a value in a hash only where it is not negated.
  due_now text := waiting || ' AND j.start_after <= $2 AND CASE WHEN j.id = ANY ($3) THEN false ELSE true END';
  in_order text := 'ORDER BY j.priority DESC, j.created_on';
  tally jsonb := busy;
  full_keys text[] := '{}';
  keys text[];
  candidate record;
  read int := 0;
BEGIN
  ids := '{}';
  is_held := false;
  FOR round IN 1..2 LOOP
    FOR candidate IN EXECUTE format(
      'SELECT j.id, nullif(j.singleton_key, '''') AS key %s AND j.name = $1 AND CASE WHEN j.singleton_key = ANY ($4) THEN false ELSE true END
       %s LIMIT $5',
      due_now, in_order) USING of_queue, due, passed || ids, full_keys, CASE round WHEN 1 THEN places + ahead END
    LOOP
      read := read + 1;
      IF max_per_key IS NOT NULL AND candidate.key IS NOT NULL THEN
        IF (tally ->> candidate.key)::int >= max_per_key THEN
          is_held := true;
          CONTINUE;
        END IF;
        tally := tally || jsonb_build_object(candidate.key, coalesce((tally ->> candidate.key)::int, 0) + 1);
      END IF;
      ids := ids || candidate.id;
      EXIT WHEN cardinality(ids) = places;
    END LOOP;
    EXIT WHEN round = 2 OR cardinality(ids) = places OR read < places + ahead;

    EXECUTE format(
      'WITH RECURSIVE key (name, number) AS (
         (SELECT coalesce(j.singleton_key, ''''), 1 %1$s AND length(j.name) > 0 ORDER BY 1 LIMIT 1)
         UNION ALL
         SELECT (SELECT coalesce(j.singleton_key, '''') %1$s AND length(j.name) > 0 AND coalesce(j.singleton_key, '''') > k.name ORDER BY 1 LIMIT 1), k.number + 1
         FROM key k WHERE k.name IS NOT NULL AND k.number <= $1)
       SELECT array_agg(k.name) FROM key k WHERE k.name IS NOT NULL', waiting)
    INTO keys USING many_keys;
    IF cardinality(keys) <= many_keys THEN
      EXECUTE format(
        'SELECT $1 || coalesce(array_agg(head.id), ''{}'') FROM (
           SELECT own.id FROM unnest($4) AS k (name)
           CROSS JOIN LATERAL (SELECT j.id, j.priority, j.created_on %s AND length(j.name) > 0 AND coalesce(j.singleton_key, '''') = k.name %s
                               LIMIT CASE k.name WHEN '''' THEN $7 ELSE greatest($5 - coalesce(($6 ->> k.name)::int, 0), 0) END) own
           ORDER BY own.priority DESC, own.created_on LIMIT $7) head', due_now, in_order)
      INTO ids USING ids, due, passed || ids, keys, max_per_key, tally, places - cardinality(ids);
      EXIT;
    END IF;
    SELECT array_agg(t.key) INTO full_keys FROM jsonb_each_text(tally) t WHERE t.value::int >= max_per_key;
  END LOOP;
END
$$;
--> statement-breakpoint
-- Makes up to `places` due jobs running, as pg-boss's fetch does. The caller holds the control row.
CREATE FUNCTION lovage.take_jobs(of_queue text, job_table text, places int, max_per_key int, busy jsonb, due timestamptz,
                                 OUT ids uuid[], OUT is_held boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
  picked uuid[];
  locked uuid[];
  passed uuid[] := '{}';
BEGIN
  ids := '{}';
  LOOP
    SELECT p.ids, p.is_held INTO picked, is_held
    FROM lovage.pick_jobs(of_queue, job_table, places - cardinality(ids), max_per_key, busy, due, passed) p;
    -- Looked up by name and id alone, which leaves but one index to go by.
    EXECUTE format(
      'SELECT coalesce(array_agg(own.id), ''{}'') FROM (SELECT p.id FROM unnest($2) AS p (id) ORDER BY p.id) p
       CROSS JOIN LATERAL (SELECT j.id, j.state, j.blocked, j.start_after FROM pgboss.%I j
                           WHERE j.name = $1 AND j.id = p.id OFFSET 0 FOR UPDATE SKIP LOCKED) own
       WHERE own.state < ''active'' AND NOT own.blocked AND own.start_after <= $3', job_table)
    INTO locked USING of_queue, picked, due;
    ids := ids || ARRAY(SELECT p.id FROM unnest(picked) WITH ORDINALITY AS p (id, position)
                        WHERE p.id = ANY (locked) ORDER BY p.position);
    EXIT WHEN cardinality(locked) = cardinality(picked);
    -- Somebody else holds some of them: others take their places.
    passed := passed || picked;
    EXECUTE format(
      'SELECT $3 || coalesce(jsonb_object_agg(l.key, coalesce(($3 ->> l.key)::int, 0) + l.taken), ''{}'') FROM (
         SELECT j.singleton_key AS key, count(*) AS taken FROM pgboss.%I j
         WHERE j.name = $1 AND j.id = ANY ($2) AND j.singleton_key IS NOT NULL GROUP BY 1) l', job_table)
    INTO busy USING of_queue, locked, busy;
  END LOOP;

  IF cardinality(ids) > 0 THEN
    EXECUTE format(
      'UPDATE pgboss.%I SET state = ''active'', started_on = now(), heartbeat_on = now(),
              retry_count = CASE WHEN started_on IS NOT NULL THEN retry_count + 1 ELSE retry_count END
       WHERE name = $1 AND id = ANY ($2)', job_table)
    USING of_queue, ids;
  END IF;
END
$$;
--> statement-breakpoint
-- Starts within a thousandth of the period count as one, at the time of the last: at most a thousand rows are summed up,
-- and no window ever holds too many.
CREATE FUNCTION lovage.record_starts(of_queue text, moment timestamptz, count int, period_ms int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
  UPDATE lovage.queue_start s SET at = moment, started = s.started + count
  WHERE s.queue = of_queue AND s.at >= date_bin(period_ms * interval '1 us', moment, '2000-01-01');
  IF NOT FOUND THEN
    INSERT INTO lovage.queue_start (queue, at, started) VALUES (of_queue, moment, count);
  END IF;
  DELETE FROM lovage.queue_start s WHERE s.queue = of_queue AND s.at < moment - period_ms * interval '1 ms';
END
$$;
--> statement-breakpoint
-- Sets all limits of a queue; null is none. What is to be counted gets an index, and so do keys. That a name has a length
-- is in them so that only those go by them who say so: on poor statistics others would, and read them from end to end.
CREATE FUNCTION lovage.set_limits(of_queue text, running int, per_key int, starts int, period_ms int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  job_table text := lovage.job_table(of_queue);
BEGIN
  -- Claims that know of no limits end first. Then the control row, as in every claim, and only then the jobs.
  PERFORM pg_advisory_xact_lock(hashtext('lovage.begin_claim'), hashtext(of_queue));
  PERFORM FROM lovage.queue_control q WHERE q.queue = of_queue FOR UPDATE;
  PERFORM lovage.keep_index(job_table || '_busy', running IS NOT NULL OR per_key IS NOT NULL,
            format('ON pgboss.%I (singleton_key) WHERE state = ''active'' AND length(name) > 0', job_table));
  PERFORM lovage.keep_index(job_table || '_key', per_key IS NOT NULL,
            format('ON pgboss.%I (coalesce(singleton_key, ''''), priority DESC, created_on) WHERE state < ''active'' AND NOT blocked AND length(name) > 0', job_table));
  UPDATE lovage.queue_control q
  SET max_running = running, max_per_key = per_key, rate_limit = starts, rate_period_ms = period_ms
  WHERE q.queue = of_queue;
  IF starts IS NULL THEN
    DELETE FROM lovage.queue_start s WHERE s.queue = of_queue;
  END IF;
  PERFORM pg_notify('lovage_ready', of_queue);
END
$$;
--> statement-breakpoint
-- Looks first: making an index stops all who write to its table, even where it is there already.
CREATE FUNCTION lovage.keep_index(index_name text, is_wanted boolean, definition text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  is_there boolean := to_regclass(format('pgboss.%I', index_name)) IS NOT NULL;
BEGIN
  IF is_wanted AND NOT is_there THEN
    EXECUTE format('CREATE INDEX %I %s', index_name, definition);
  ELSIF is_there AND NOT is_wanted THEN
    EXECUTE format('DROP INDEX pgboss.%I', index_name);
  END IF;
END
$$;
--> statement-breakpoint
-- As before, but that a claim may say when its tasks start, and that nothing is left of the attempt before.
CREATE OR REPLACE FUNCTION lovage.start_tasks(of_ids uuid[], by_worker uuid, OUT numbers bigint, OUT ids uuid[])
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  moment timestamptz := coalesce(lovage.setting('at')::timestamptz, now());
BEGIN
  WITH moved AS (
    UPDATE lovage.task t
    SET state = 'running', attempt = t.attempt + 1, worker_id = by_worker, started_at = moment, overdue_at = NULL,
        cancel_outcome = NULL, events = t.events + 1
    WHERE t.id = ANY (of_ids) AND t.state IN ('queued', 'retrying')
    RETURNING t.id, t.events, t.attempt
  ), written AS (
    INSERT INTO lovage.task_event (task_id, number, type, attempt, at, data)
    SELECT m.id, m.events, 'started', m.attempt, moment, jsonb_build_object('worker', by_worker) FROM moved m
  )
  SELECT sum(m.attempt), array_agg(m.id) INTO numbers, ids FROM moved m;
END
$$;
--> statement-breakpoint
-- Which queues have work now, and in how many milliseconds the next delayed task of each is due. A paused one has none.
CREATE OR REPLACE FUNCTION lovage.next_due(queues text[]) RETURNS TABLE (queue text, ready boolean, due_in_ms double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
  declared record;
BEGIN
  FOR declared IN
    SELECT q.queue, q.job_table, c.paused_at FROM lovage.live_queues() q JOIN lovage.queue_control c ON c.queue = q.queue
    WHERE q.queue = ANY (queues)
  LOOP
    queue := declared.queue;
    ready := false;
    due_in_ms := NULL;
    IF declared.paused_at IS NULL THEN
      EXECUTE format(
        'SELECT EXISTS (SELECT FROM pgboss.%1$I WHERE name = $1 AND state < ''active'' AND NOT blocked AND start_after <= now()),
                (SELECT extract(epoch FROM min(start_after) - clock_timestamp()) * 1000 FROM pgboss.%1$I
                 WHERE state < ''active'' AND start_after > created_on AND start_after > now())', declared.job_table)
      INTO ready, due_in_ms USING declared.queue;
    END IF;
    RETURN NEXT;
  END LOOP;
END
$$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION lovage.begin_claim, lovage.claim_within_limits, lovage.pick_jobs, lovage.take_jobs,
  lovage.record_starts, lovage.set_limits, lovage.keep_index FROM PUBLIC;
