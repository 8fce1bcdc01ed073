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
      'SELECT least($2, $3 - coalesce(sum(r.running), 0)), coalesce(jsonb_object_agg(r.key, r.running) FILTER (WHERE r.key IS NOT NULL), ''{}'')
       FROM (SELECT j.singleton_key AS key, count(*) AS running FROM pgboss.%I j
             WHERE j.name = $1 AND j.state = ''active'' GROUP BY 1) r', job_table)
    INTO places, busy USING of_queue, wanted, control.max_running;
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
-- Makes up to `places` due jobs running, in pg-boss's order and as its fetch does, no more of a key than it has places. Keys
-- are passed over by the scan itself, or one by one where they fill up in this very claim. The caller holds the control row.
CREATE FUNCTION lovage.take_jobs(of_queue text, job_table text, places int, max_per_key int, busy jsonb, due timestamptz,
                                 OUT ids uuid[], OUT is_held boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
  full_keys text[];
  tally jsonb;
  candidate record;
  picked uuid[];
  picked_keys text[];
  locked uuid[];
  passed uuid[] := '{}';
BEGIN
  ids := '{}';
  SELECT coalesce(array_agg(b.key), '{}') INTO full_keys FROM jsonb_each_text(busy) b WHERE b.value::int >= max_per_key;
  is_held := cardinality(full_keys) > 0;
  LOOP
    tally := busy;
    picked := '{}';
    picked_keys := '{}';
    -- Before 15 Postgres looks up a key in a hash only where it is not negated.
    FOR candidate IN EXECUTE format(
      'SELECT j.id, j.singleton_key AS key FROM pgboss.%I j
       WHERE j.name = $1 AND j.state < ''active'' AND NOT j.blocked AND j.start_after <= $2
         AND CASE WHEN j.singleton_key = ANY ($3) THEN false ELSE true END
         AND CASE WHEN j.id = ANY ($4) THEN false ELSE true END
       ORDER BY j.priority DESC, j.created_on', job_table) USING of_queue, due, full_keys, passed
    LOOP
      IF max_per_key IS NOT NULL AND candidate.key IS NOT NULL THEN
        IF (tally ->> candidate.key)::int >= max_per_key THEN
          is_held := true;
          CONTINUE;
        END IF;
        tally := tally || jsonb_build_object(candidate.key, coalesce((tally ->> candidate.key)::int, 0) + 1);
      END IF;
      picked := picked || candidate.id;
      picked_keys := picked_keys || candidate.key::text;
      EXIT WHEN cardinality(ids) + cardinality(picked) >= places;
    END LOOP;

    -- Looked up by name and id alone, which leaves but one index to go by.
    EXECUTE format(
      'SELECT coalesce(array_agg(own.id), ''{}'') FROM (SELECT p.id FROM unnest($2) AS p (id) ORDER BY p.id) p
       CROSS JOIN LATERAL (SELECT j.id, j.state, j.blocked, j.start_after FROM pgboss.%I j
                           WHERE j.name = $1 AND j.id = p.id FOR UPDATE SKIP LOCKED) own
       WHERE own.state < ''active'' AND NOT own.blocked AND own.start_after <= $3', job_table)
    INTO locked USING of_queue, picked, due;
    ids := ids || ARRAY(SELECT p.id FROM unnest(picked) WITH ORDINALITY AS p (id, position)
                        WHERE p.id = ANY (locked) ORDER BY p.position);
    EXIT WHEN cardinality(locked) = cardinality(picked);
    -- Somebody else holds some of them: others take their places.
    passed := passed || picked;
    FOR number IN 1 .. cardinality(picked) LOOP
      IF picked[number] = ANY (locked) AND picked_keys[number] IS NOT NULL THEN
        busy := busy || jsonb_build_object(picked_keys[number], coalesce((busy ->> picked_keys[number])::int, 0) + 1);
      END IF;
    END LOOP;
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
-- Sets all limits of a queue; null is none. Its running jobs get an index where they are to be counted.
CREATE FUNCTION lovage.set_limits(of_queue text, running int, per_key int, starts int, period_ms int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  job_table text := lovage.job_table(of_queue);
  running_index text := job_table || '_busy';
  is_there boolean;
BEGIN
  -- Claims that know of no limits end first. Then the control row, as in every claim, and only then the jobs.
  PERFORM pg_advisory_xact_lock(hashtext('lovage.begin_claim'), hashtext(of_queue));
  PERFORM FROM lovage.queue_control q WHERE q.queue = of_queue FOR UPDATE;
  is_there := to_regclass(format('pgboss.%I', running_index)) IS NOT NULL;
  IF running IS NULL AND per_key IS NULL AND is_there THEN
    EXECUTE format('DROP INDEX pgboss.%I', running_index);
  ELSIF (running IS NOT NULL OR per_key IS NOT NULL) AND NOT is_there THEN
    EXECUTE format('CREATE INDEX %I ON pgboss.%I (singleton_key) WHERE state = ''active''', running_index, job_table);
  END IF;
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
REVOKE EXECUTE ON FUNCTION lovage.begin_claim, lovage.claim_within_limits, lovage.take_jobs, lovage.record_starts,
  lovage.set_limits FROM PUBLIC;
