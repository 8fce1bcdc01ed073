-- Requests that mean the same make one task: those under one idempotency key, and those whose definition's `dedupe`
-- gives them one key.
--
-- Locks: an idempotency key before a dedupe key, both before the new job. A settle takes neither.

ALTER TABLE "lovage"."task" ADD COLUMN "dedupe_key" text;
--> statement-breakpoint
-- Whose key it is now: `taken` by this request, or of an earlier one, `replayed` where that was the same, else `reused`.
-- Of two at once the second waits here until the first has committed.
CREATE FUNCTION lovage.take_idempotency_key(of_tenant text, of_actor text, of_key text, print bytea, ttl_ms double precision,
                                            new_task uuid, new_batch uuid, OUT outcome text, OUT task_id uuid, OUT batch_id uuid)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  known lovage.idempotency_key;
BEGIN
  LOOP
    INSERT INTO lovage.idempotency_key AS k (tenant, actor, key, fingerprint, task_id, batch_id, expires_at)
    VALUES (of_tenant, of_actor, of_key, print, new_task, new_batch, now() + ttl_ms * interval '1 ms')
    ON CONFLICT (tenant, actor, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, task_id = excluded.task_id, batch_id = excluded.batch_id, expires_at = excluded.expires_at
    WHERE k.expires_at <= now()
    RETURNING 'taken', k.task_id, k.batch_id INTO outcome, task_id, batch_id;
    EXIT WHEN FOUND;
    SELECT * INTO known FROM lovage.idempotency_key k WHERE k.tenant = of_tenant AND k.actor = of_actor AND k.key = of_key;
    -- It may have been swept in between.
    IF FOUND THEN
      outcome := CASE WHEN known.fingerprint = print THEN 'replayed' ELSE 'reused' END;
      task_id := known.task_id;
      batch_id := known.batch_id;
      EXIT;
    END IF;
  END LOOP;
END
$$;
--> statement-breakpoint
-- Gives a dedupe key to a task, unless another one holds it: as long as that is not final, and at least until its time
-- is over. Returns who holds it now. Each step is a statement of its own, and so sees what was committed while the one
-- before it waited.
CREATE FUNCTION lovage.hold_dedupe_key(of_tenant text, of_name text, of_key text, within_ms double precision, of_task uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  held lovage.dedupe_key;
BEGIN
  LOOP
    INSERT INTO lovage.dedupe_key (tenant, name, key, task_id, until)
    VALUES (of_tenant, of_name, of_key, of_task, now() + within_ms * interval '1 ms')
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
      RETURN of_task;
    END IF;
    SELECT * INTO held FROM lovage.dedupe_key k
    WHERE k.tenant = of_tenant AND k.name = of_name AND k.key = of_key FOR UPDATE;
    CONTINUE WHEN NOT FOUND;
    IF held.task_id = of_task THEN
      RETURN of_task;
    END IF;
    IF EXISTS (SELECT FROM lovage.task t WHERE t.id = held.task_id AND (held.until > now() OR NOT lovage.is_final(t.state))) THEN
      RETURN held.task_id;
    END IF;
    UPDATE lovage.dedupe_key k SET task_id = of_task, until = now() + within_ms * interval '1 ms'
    WHERE k.tenant = of_tenant AND k.name = of_name AND k.key = of_key;
    RETURN of_task;
  END LOOP;
END
$$;
--> statement-breakpoint
-- Accepts one task, or finds the one that this request stands for. `task` is as add_tasks() takes it, with an id and, where
-- its definition dedupes, with dedupe {key, withinMs?}; `once` is null or {actor, key, fingerprint (hex), ttlMs}.
-- Outcomes: added, replayed, reused (the key came with another request) or deduplicated. `answer` is null where the task of a
-- replay was removed.
CREATE FUNCTION lovage.add_task_once(task jsonb, once jsonb, OUT outcome text, OUT answer lovage.task)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  new_id uuid := task ->> 'id';
  of_tenant text := coalesce(task ->> 'tenant', 'default');
  wanted_key text := task -> 'dedupe' ->> 'key';
  earlier uuid;
BEGIN
  IF jsonb_typeof(once) = 'object' THEN
    SELECT k.outcome, k.task_id INTO outcome, earlier
    FROM lovage.take_idempotency_key(of_tenant, once ->> 'actor', once ->> 'key', decode(once ->> 'fingerprint', 'hex'),
                                     (once ->> 'ttlMs')::double precision, new_id, NULL) k;
    IF outcome <> 'taken' THEN
      SELECT * INTO answer FROM lovage.task t WHERE t.id = earlier AND outcome = 'replayed';
      RETURN;
    END IF;
  END IF;
  IF wanted_key IS NOT NULL THEN
    earlier := lovage.hold_dedupe_key(of_tenant, task ->> 'name', wanted_key, (task #>> '{dedupe,withinMs}')::double precision, new_id);
    IF earlier <> new_id THEN
      outcome := 'deduplicated';
      SELECT * INTO answer FROM lovage.task t WHERE t.id = earlier;
      -- What comes under the same key again stands for that one too.
      UPDATE lovage.idempotency_key k SET task_id = earlier
      WHERE k.tenant = of_tenant AND k.actor = once ->> 'actor' AND k.key = once ->> 'key';
      RETURN;
    END IF;
  END IF;
  outcome := 'added';
  SELECT * INTO answer FROM lovage.add_tasks(jsonb_build_array(task));
  UPDATE lovage.task t SET dedupe_key = wanted_key WHERE t.id = new_id AND wanted_key IS NOT NULL;
END
$$;
--> statement-breakpoint
-- As add_tasks(), for tasks of which some dedupe: all of them or none. Where another task holds a key, LV002 names it.
CREATE FUNCTION lovage.add_unique_tasks(tasks jsonb) RETURNS SETOF lovage.task
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wanted record;
  holder uuid;
  keys jsonb := '{}';
BEGIN
  SELECT jsonb_agg(CASE WHEN n.task ? 'id' THEN n.task ELSE n.task || jsonb_build_object('id', lovage.uuid_v7()) END ORDER BY n.position)
  INTO tasks FROM jsonb_array_elements(tasks) WITH ORDINALITY AS n (task, position);
  -- In one order, so that two groups cannot wait for each other.
  FOR wanted IN
    SELECT coalesce(n.tenant, 'default') AS tenant, n.name, n.dedupe ->> 'key' AS key, (n.dedupe ->> 'withinMs')::double precision AS within_ms,
           n.id, lag(n.id) OVER (PARTITION BY coalesce(n.tenant, 'default'), n.name, n.dedupe ->> 'key' ORDER BY n.id) AS twin
    FROM jsonb_to_recordset(tasks) AS n (id uuid, tenant text, name text, dedupe jsonb)
    WHERE n.dedupe ->> 'key' IS NOT NULL
    ORDER BY 1, 2, 3, n.id
  LOOP
    IF wanted.twin IS NOT NULL THEN
      RAISE EXCEPTION 'two of these tasks of "%" have the same dedupe key', wanted.name USING ERRCODE = 'LV002';
    END IF;
    holder := lovage.hold_dedupe_key(wanted.tenant, wanted.name, wanted.key, wanted.within_ms, wanted.id);
    IF holder <> wanted.id THEN
      RAISE EXCEPTION 'task % of "%" has the same dedupe key', holder, wanted.name USING ERRCODE = 'LV002', DETAIL = holder::text;
    END IF;
    keys := keys || jsonb_build_object(wanted.id::text, wanted.key);
  END LOOP;
  RETURN QUERY SELECT * FROM lovage.add_tasks(tasks);
  UPDATE lovage.task t SET dedupe_key = k.value FROM jsonb_each_text(keys) k WHERE t.id = k.key::uuid;
END
$$;
--> statement-breakpoint
-- A final task that is to run again needs its key again, whoever asks for it. LV002 names the one that has it.
CREATE FUNCTION lovage.regain_dedupe_key() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  holder uuid := lovage.hold_dedupe_key(NEW.tenant, NEW.name, NEW.dedupe_key, NULL, NEW.id);
BEGIN
  IF holder <> NEW.id THEN
    RAISE EXCEPTION 'task % cannot run again: task % has its dedupe key', NEW.id, holder USING ERRCODE = 'LV002', DETAIL = holder::text;
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- AFTER: a row trigger BEFORE would lock each row of every claim and settle once more.
CREATE TRIGGER task_revived AFTER UPDATE OF state ON lovage.task FOR EACH ROW
WHEN (NEW.dedupe_key IS NOT NULL AND lovage.is_final(OLD.state) AND NOT lovage.is_final(NEW.state))
EXECUTE FUNCTION lovage.regain_dedupe_key();
--> statement-breakpoint
-- Of these tasks those that no other one keeps from running again; of several with one key the newest.
CREATE FUNCTION lovage.with_free_key(ids uuid[]) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(array_agg(f.id), '{}') FROM (
    SELECT DISTINCT ON (t.tenant, t.name, coalesce(t.dedupe_key, t.id::text)) t.id
    FROM lovage.task t
    WHERE t.id = ANY (ids) AND NOT EXISTS (
      SELECT FROM lovage.dedupe_key k JOIN lovage.task h ON h.id = k.task_id
      WHERE k.tenant = t.tenant AND k.name = t.name AND k.key = t.dedupe_key AND k.task_id <> t.id
        AND (k.until > now() OR NOT lovage.is_final(h.state)))
    ORDER BY t.tenant, t.name, coalesce(t.dedupe_key, t.id::text), t.id DESC) f
$$;
--> statement-breakpoint
-- Removes keys whose time is over, at most `at_most` of each kind. Dedupe keys are looked at in order: `next` is where to go
-- on, null at their end. Those that somebody holds at this moment are left for the next time.
CREATE FUNCTION lovage.sweep_keys(after text[], at_most int, OUT swept int, OUT next text[])
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  tenants text[];
  names text[];
  keys text[];
  removed int;
BEGIN
  DELETE FROM lovage.idempotency_key k
  WHERE k.ctid = ANY (ARRAY(SELECT e.ctid FROM lovage.idempotency_key e WHERE e.expires_at <= now()
                            ORDER BY e.expires_at LIMIT at_most FOR UPDATE SKIP LOCKED));
  GET DIAGNOSTICS swept = ROW_COUNT;

  SELECT ARRAY[k.tenant, k.name, k.key] INTO next FROM lovage.dedupe_key k
  WHERE after IS NULL OR (k.tenant, k.name, k.key) > (after[1], after[2], after[3])
  ORDER BY k.tenant, k.name, k.key OFFSET at_most - 1 LIMIT 1;

  SELECT array_agg(d.tenant), array_agg(d.name), array_agg(d.key) INTO tenants, names, keys
  FROM (SELECT k.tenant, k.name, k.key FROM lovage.dedupe_key k
        WHERE (after IS NULL OR (k.tenant, k.name, k.key) > (after[1], after[2], after[3]))
          AND (next IS NULL OR (k.tenant, k.name, k.key) <= (next[1], next[2], next[3]))
          AND coalesce(k.until <= now(), true)
          AND NOT EXISTS (SELECT FROM lovage.task t WHERE t.id = k.task_id AND NOT lovage.is_final(t.state))
        FOR UPDATE SKIP LOCKED) d;
  -- Looked at again under the locks: a task may have been made to run again before them.
  DELETE FROM lovage.dedupe_key k USING unnest(tenants, names, keys) AS d (tenant, name, key)
  WHERE k.tenant = d.tenant AND k.name = d.name AND k.key = d.key
    AND NOT EXISTS (SELECT FROM lovage.task t WHERE t.id = k.task_id AND NOT lovage.is_final(t.state));
  GET DIAGNOSTICS removed = ROW_COUNT;
  swept := swept + removed;
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
    AND t.state::text <> CASE j.state WHEN 'created' THEN CASE WHEN j.blocked THEN 'waiting' ELSE 'queued' END
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
  WHERE e.attempt > 0 AND e.type IN ('started', 'succeeded', 'failed', 'retrying', 'crashed', 'snoozed', 'handed_back', 'waiting', 'rescued')
    AND (e.type IN ('started', 'rescued') OR NOT e.data ? 'by')
  GROUP BY e.task_id, e.attempt
  HAVING count(*) FILTER (WHERE e.type = 'started') > 1 OR count(*) FILTER (WHERE e.type <> 'started') > 1
  UNION ALL
  SELECT 'one-settle-per-attempt', s.task_id, format('attempt %s started while attempt %s had not ended', s.attempt, s.before)
  FROM (SELECT e.task_id, e.attempt, e.type, lag(e.type) OVER w AS type_before, lag(e.attempt) OVER w AS before
        FROM lovage.task_event e
        WHERE e.type IN ('started', 'succeeded', 'failed', 'cancelled', 'expired', 'retrying', 'crashed', 'snoozed', 'handed_back',
                       'waiting', 'rescued', 'requeued')
        WINDOW w AS (PARTITION BY e.task_id ORDER BY e.number)) s
  WHERE s.type = 'started' AND s.type_before = 'started'
  UNION ALL
  -- 3. Event numbers run from 1 without gap or duplicate; after the final event comes only an explicit
  -- retry, or news of webhooks and of the archive, which are no transition.
  SELECT 'event-numbers', t.id, format('task counts %s events, history has %s up to number %s', t.events, count(e.number), max(e.number))
  FROM lovage.task t LEFT JOIN lovage.task_event e ON e.task_id = t.id
  GROUP BY t.id
  HAVING t.events <> count(e.number) OR t.events <> coalesce(max(e.number), 0)
  UNION ALL
  SELECT 'event-numbers', f.task_id, format('event %s (%s) comes after the final event', f.number, f.type)
  FROM (SELECT e.task_id, e.number, e.type, lag(e.type) OVER (PARTITION BY e.task_id ORDER BY e.number) AS type_before
        FROM lovage.task_event e WHERE e.type NOT IN ('webhook', 'archived')) f
  WHERE f.type_before IN ('succeeded', 'failed', 'cancelled', 'expired') AND f.type <> 'requeued'
  UNION ALL
  SELECT 'event-numbers', t.id, format('task is %s but its last transition says %s', t.state, e.type)
  FROM lovage.task t
  CROSS JOIN LATERAL (SELECT o.type FROM lovage.task_event o
                      WHERE o.task_id = t.id AND o.type NOT IN ('webhook', 'archived') ORDER BY o.number DESC LIMIT 1) e
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
  UNION ALL
  -- 5. A task waits exactly as long as it has children to wait for, and what ended is followed up.
  SELECT 'waiting', t.id, 'task waits, and for nothing'
  FROM lovage.task t
  WHERE t.state = 'waiting' AND NOT EXISTS (SELECT FROM lovage.task_wait w WHERE w.task_id = t.id)
  UNION ALL
  SELECT 'waiting', w.task_id, format('children are kept for a task that is %s', coalesce(t.state::text, 'gone'))
  FROM lovage.task_wait w LEFT JOIN lovage.task t ON t.id = w.task_id
  WHERE t.state IS DISTINCT FROM 'waiting'
  UNION ALL
  SELECT 'waiting', w.task_id, 'all its children are final, and nobody will wake it'
  FROM lovage.task_wait w
  WHERE NOT EXISTS (SELECT FROM lovage.task c WHERE c.id = ANY (w.children) AND NOT lovage.is_final(c.state))
    AND NOT EXISTS (SELECT FROM lovage.task_end e WHERE e.parent_id = w.task_id)
  UNION ALL
  SELECT 'batches', b.id, 'all tasks of the batch are final, and nobody will finish it'
  FROM lovage.batch b
  WHERE b.finished_at IS NULL
    AND NOT EXISTS (SELECT FROM lovage.task t WHERE t.batch_id = b.id AND NOT lovage.is_final(t.state))
    AND NOT EXISTS (SELECT FROM lovage.task_end e WHERE e.batch_id = b.id)
  UNION ALL
  SELECT 'batches', b.id, CASE WHEN b.follow_up_id IS NULL THEN 'the batch has finished, and its follow-up was not started'
                               ELSE 'the follow-up of the batch was started before its end' END
  FROM lovage.batch b
  WHERE (b.finished_at IS NOT NULL AND b.follow_up IS NOT NULL AND b.cancel_requested_at IS NULL AND b.follow_up_id IS NULL)
     OR (b.finished_at IS NULL AND b.follow_up_id IS NOT NULL)
  UNION ALL
  -- 6. A dedupe key stands for one task at a time.
  SELECT 'dedupe', (array_agg(t.id ORDER BY t.id))[2], format('%s tasks that are not final have the dedupe key %s', count(*), t.dedupe_key)
  FROM lovage.task t
  WHERE t.dedupe_key IS NOT NULL AND NOT lovage.is_final(t.state)
  GROUP BY t.tenant, t.name, t.dedupe_key HAVING count(*) > 1
$$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION lovage.take_idempotency_key(text, text, text, bytea, double precision, uuid, uuid),
  lovage.hold_dedupe_key(text, text, text, double precision, uuid), lovage.add_task_once(jsonb, jsonb),
  lovage.add_unique_tasks(jsonb), lovage.regain_dedupe_key(), lovage.with_free_key(uuid[]), lovage.sweep_keys(text[], int)
  FROM PUBLIC;
