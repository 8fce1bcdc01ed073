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
REVOKE EXECUTE ON FUNCTION lovage.take_idempotency_key(text, text, text, bytea, double precision, uuid, uuid),
  lovage.hold_dedupe_key(text, text, text, double precision, uuid), lovage.add_task_once(jsonb, jsonb),
  lovage.add_unique_tasks(jsonb), lovage.regain_dedupe_key(), lovage.with_free_key(uuid[]), lovage.sweep_keys(text[], int)
  FROM PUBLIC;
