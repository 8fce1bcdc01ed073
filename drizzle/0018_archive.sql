-- Retention. Final tasks leave the hot table after a time, with their history, into lovage.task_archive; that is partitioned by
-- when its rows expire, so that what has expired goes by dropping a table, never row by row.
--
-- Every look-up looks in lovage.task first and then here, in one snapshot. lovage.archive_partition says which ids a partition
-- can hold: ids grow with time, so an id is in one or two of some hundred.
--
-- Locks: as everywhere, job rows by id, then task rows by id; then archive rows, and rows of archive_partition last.

CREATE TABLE "lovage"."task_archive" (
	"id" uuid NOT NULL,
	"tenant" text NOT NULL,
	"name" text NOT NULL,
	"queue" text NOT NULL,
	"state" "lovage"."task_state" NOT NULL,
	"attempt" integer NOT NULL,
	"tags" text[] DEFAULT '{}' NOT NULL,
	"batch_id" uuid,
	"parent_id" uuid,
	"created_at" timestamp with time zone NOT NULL,
	"finished_at" timestamp with time zone NOT NULL,
	"archived_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"task" jsonb NOT NULL,
	"events" jsonb NOT NULL,
	"kept" jsonb DEFAULT '{}'::jsonb NOT NULL,
	CONSTRAINT "task_archive_id_expires_at_pk" PRIMARY KEY("id","expires_at"),
	CONSTRAINT "task_archive_is_final" CHECK (state IN ('succeeded', 'failed', 'cancelled', 'expired'))
) PARTITION BY RANGE ("expires_at");
--> statement-breakpoint
CREATE INDEX "task_archive_tenant" ON "lovage"."task_archive" USING btree ("tenant","id");--> statement-breakpoint
CREATE INDEX "task_archive_name" ON "lovage"."task_archive" USING btree ("tenant","name","id");--> statement-breakpoint
CREATE INDEX "task_archive_queue" ON "lovage"."task_archive" USING btree ("tenant","queue","id");--> statement-breakpoint
CREATE INDEX "task_archive_failures" ON "lovage"."task_archive" USING btree ("tenant","state","id") WHERE "lovage"."task_archive"."state" <> 'succeeded';--> statement-breakpoint
CREATE INDEX "task_archive_batch" ON "lovage"."task_archive" USING btree ("batch_id","id") WHERE "lovage"."task_archive"."batch_id" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "task_archive_parent" ON "lovage"."task_archive" USING btree ("parent_id") WHERE "lovage"."task_archive"."parent_id" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "task_archive_tags" ON "lovage"."task_archive" USING gin ("tags") WHERE "lovage"."task_archive"."tags" <> '{}';--> statement-breakpoint
CREATE TABLE "lovage"."archive_partition" (
	"name" text PRIMARY KEY NOT NULL,
	"from_at" timestamp with time zone NOT NULL,
	"to_at" timestamp with time zone NOT NULL,
	"min_id" uuid DEFAULT 'ffffffff-ffff-ffff-ffff-ffffffffffff' NOT NULL,
	"max_id" uuid DEFAULT '00000000-0000-0000-0000-000000000000' NOT NULL,
	"tasks" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "lovage"."upkeep" (
	"subject" text PRIMARY KEY NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"detail" jsonb DEFAULT '{}'::jsonb NOT NULL
);
--> statement-breakpoint
ALTER TABLE "lovage"."definition" ADD COLUMN "archive_after_ms" bigint;--> statement-breakpoint
ALTER TABLE "lovage"."definition" ADD COLUMN "retention_ms" bigint;--> statement-breakpoint
ALTER TABLE "lovage"."queue_control" ADD COLUMN "archive_after_ms" bigint;--> statement-breakpoint
ALTER TABLE "lovage"."queue_control" ADD COLUMN "retention_ms" bigint;--> statement-breakpoint
-- Ten years: the time after which a task expires must be one that Postgres can write.
ALTER TABLE lovage.definition ADD CONSTRAINT definition_keeping CHECK (archive_after_ms BETWEEN 1 AND 315360000000 AND retention_ms BETWEEN 1 AND 315360000000);
--> statement-breakpoint
ALTER TABLE lovage.queue_control ADD CONSTRAINT queue_control_keeping CHECK (archive_after_ms BETWEEN 1 AND 315360000000 AND retention_ms BETWEEN 1 AND 315360000000);
--> statement-breakpoint
-- History is written once and leaves in blocks of thousands: vacuum comes when a fiftieth of it has gone, keeps the pages that were
-- written once all visible, and takes ten times the default's share of the disk, since at full speed rows leave faster than that cleans.
ALTER TABLE lovage.task_event SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05,
                                   autovacuum_vacuum_cost_limit = 2000);
--> statement-breakpoint
ALTER TABLE lovage.task_result SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05,
                                    autovacuum_vacuum_cost_limit = 2000, toast.autovacuum_vacuum_scale_factor = 0.02);
--> statement-breakpoint
ALTER TABLE lovage.task SET (autovacuum_vacuum_cost_limit = 2000);
--> statement-breakpoint
-- Rows come and go all the time; these stay a few pages only if vacuum comes by.
ALTER TABLE lovage.queue_control SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
--> statement-breakpoint
ALTER TABLE lovage.task_end SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
--> statement-breakpoint
ALTER TABLE lovage.archive_partition SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
--> statement-breakpoint
-- The jobs of a queue are all churn: inserted, claimed, deleted. What psql leaves behind has an index of its own, mostly empty,
-- so that nobody has to search a backlog for it.
CREATE FUNCTION lovage.tune_queue(job_table text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format('ALTER TABLE pgboss.%I SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
                  autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_limit = 2000)', job_table);
  PERFORM lovage.keep_index(job_table || '_left', true,
                            format('ON pgboss.%I (id) WHERE state > ''active''', job_table));
END
$$;
--> statement-breakpoint
SELECT lovage.tune_queue(q.job_table) FROM lovage.live_queues() q;
--> statement-breakpoint
-- No uuid v7 that was made at that time or later is below it.
CREATE FUNCTION lovage.first_id_at(at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT (lpad(to_hex(greatest(0, least(281474976710655, floor(extract(epoch FROM at) * 1000)))::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
--> statement-breakpoint
-- How long a task stays in the hot table after its end, and how long then in the archive: its definition says, or its queue.
CREATE FUNCTION lovage.keeping(of_name text, of_queue text, OUT archive_after interval, OUT retention interval)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(d.archive_after_ms, q.archive_after_ms, 86400000) * interval '1 ms',
         coalesce(d.retention_ms, q.retention_ms, 7776000000) * interval '1 ms'
  FROM (SELECT 1) one
  LEFT JOIN lovage.definition d ON d.name = of_name LEFT JOIN lovage.queue_control q ON q.queue = of_queue
$$;
--> statement-breakpoint
-- What is known of the partitions that can hold one of these ids.
CREATE FUNCTION lovage.partitions_with(ids uuid[]) RETURNS SETOF lovage.archive_partition
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT p.* FROM lovage.archive_partition p
  WHERE EXISTS (SELECT FROM unnest(ids) i WHERE i BETWEEN p.min_id AND p.max_id)
  ORDER BY p.max_id DESC
$$;
--> statement-breakpoint
CREATE FUNCTION lovage.archived_rows(ids uuid[]) RETURNS SETOF lovage.task_archive
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
  part record;
  found bigint;
  missing bigint := cardinality(ids);
BEGIN
  FOR part IN SELECT p.from_at, p.to_at FROM lovage.partitions_with(ids) p LOOP
    -- With its bounds as values the plan has this one partition.
    RETURN QUERY EXECUTE 'SELECT a.* FROM lovage.task_archive a WHERE a.expires_at >= $1 AND a.expires_at < $2 AND a.id = ANY ($3)'
    USING part.from_at, part.to_at, ids;
    GET DIAGNOSTICS found = ROW_COUNT;
    missing := missing - found;
    EXIT WHEN missing <= 0;
  END LOOP;
END
$$;
--> statement-breakpoint
-- A task's row, as it was. What is a column of the archive is not in `task`.
CREATE FUNCTION lovage.as_task(a lovage.task_archive) RETURNS lovage.task
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_populate_record(NULL::lovage.task, a.task || jsonb_build_object(
    'id', a.id, 'tenant', a.tenant, 'name', a.name, 'queue', a.queue, 'state', a.state, 'attempt', a.attempt, 'tags', a.tags,
    'batch_id', a.batch_id, 'parent_id', a.parent_id, 'created_at', a.created_at, 'finished_at', a.finished_at))
$$;
--> statement-breakpoint
CREATE FUNCTION lovage.archived_tasks(ids uuid[]) RETURNS TABLE (task lovage.task, progress jsonb)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$ SELECT lovage.as_task(a), a.kept -> 'progress' FROM lovage.archived_rows(ids) a $$;
--> statement-breakpoint
-- Tasks, wherever they are. STABLE: both looks are in the caller's one snapshot, so that a task which moves meanwhile is in
-- exactly one place.
CREATE FUNCTION lovage.any_tasks(ids uuid[]) RETURNS SETOF lovage.task
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
  found bigint;
BEGIN
  RETURN QUERY SELECT t.* FROM lovage.task t WHERE t.id = ANY (ids);
  GET DIAGNOSTICS found = ROW_COUNT;
  IF found < cardinality(ids) THEN
    RETURN QUERY SELECT (a.task).* FROM lovage.archived_tasks(
      ARRAY(SELECT i FROM unnest(ids) i WHERE NOT EXISTS (SELECT FROM lovage.task t WHERE t.id = i))) a;
  END IF;
END
$$;
--> statement-breakpoint
CREATE FUNCTION lovage.any_task(of_id uuid) RETURNS SETOF lovage.task
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT * FROM lovage.any_tasks(ARRAY[of_id]) $$;
--> statement-breakpoint
-- A task's history after a number, wherever it is.
CREATE FUNCTION lovage.any_events(of_id uuid, after_number int DEFAULT 0, at_most int DEFAULT NULL)
RETURNS TABLE (number int, type text, attempt int, at timestamptz, data jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
  IF EXISTS (SELECT FROM lovage.task t WHERE t.id = of_id) THEN
    RETURN QUERY SELECT e.number, e.type, e.attempt, e.at, e.data FROM lovage.task_event e
                 WHERE e.task_id = of_id AND e.number > after_number ORDER BY e.number LIMIT at_most;
  ELSE
    RETURN QUERY SELECT e.number, e.type, e.attempt, e.at, e.data FROM lovage.archived_rows(ARRAY[of_id]) a
                 CROSS JOIN LATERAL jsonb_to_recordset(a.events) AS e (number int, type text, attempt int, at timestamptz, data jsonb)
                 WHERE e.number > after_number ORDER BY e.number LIMIT at_most;
  END IF;
END
$$;
--> statement-breakpoint
-- The ids that match in the archive, above `low` and below `high`, the nearest to the beginning of the list first. `filter` is
-- {name?, queue?, states?, tag?, createdAfter?, createdBefore?, batchId?, isOpen?}, where isOpen leaves out Lovage's own tasks.
-- Partitions are taken in the order in which their ids lie, and no further one than can add to the page.
CREATE FUNCTION lovage.archived_ids(of_tenant text, filter jsonb, low uuid, high uuid, wanted int, ascending boolean DEFAULT false)
RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
  part lovage.archive_partition;
  ids uuid[] := '{}';
  more uuid[];
  states lovage.task_state[] := ARRAY(SELECT s::lovage.task_state FROM jsonb_array_elements_text(filter -> 'states') s
                                      WHERE s IN ('succeeded', 'failed', 'cancelled', 'expired'));
  -- One by one: of several at a time an index by state and id is in no order.
  state lovage.task_state;
  direction text := CASE WHEN ascending THEN 'ASC' ELSE 'DESC' END;
  -- Only what is asked for: each is planned for what it is.
  conditions text := concat_ws(' AND ', 'a.tenant = $3',
    CASE WHEN low IS NOT NULL THEN 'a.id > $4' END, CASE WHEN high IS NOT NULL THEN 'a.id < $5' END,
    CASE WHEN filter ? 'name' THEN 'a.name = $6' END, CASE WHEN filter ? 'queue' THEN 'a.queue = $7' END,
    CASE WHEN filter ? 'states' THEN 'a.state = $8' END,
    CASE WHEN filter ? 'tag' THEN 'a.tags @> ARRAY[$9] AND a.tags <> ''{}''' END,
    CASE WHEN filter ? 'createdAfter' THEN 'a.created_at >= $10' END, CASE WHEN filter ? 'createdBefore' THEN 'a.created_at < $11' END,
    CASE WHEN filter ? 'batchId' THEN 'a.batch_id = $12' END, CASE WHEN filter ? 'isOpen' THEN 'a.queue <> ''lovage''' END);
  query text := format('SELECT array_agg(a.id) FROM (SELECT a.id FROM lovage.task_archive a
                        WHERE a.expires_at >= $1 AND a.expires_at < $2 AND %s ORDER BY a.id %s LIMIT $13) a', conditions, direction);
BEGIN
  IF filter ? 'states' AND cardinality(states) = 0 THEN
    RETURN ids;
  END IF;
  FOR part IN
    SELECT p.* FROM lovage.archive_partition p
    WHERE p.min_id <= p.max_id AND (low IS NULL OR p.max_id > low) AND (high IS NULL OR p.min_id < high)
    ORDER BY CASE WHEN ascending THEN p.min_id END, CASE WHEN NOT ascending THEN p.max_id END DESC
  LOOP
    EXIT WHEN cardinality(ids) >= wanted AND CASE WHEN ascending THEN part.min_id > ids[wanted] ELSE part.max_id < ids[wanted] END;
    FOREACH state IN ARRAY CASE WHEN filter ? 'states' THEN states ELSE ARRAY[NULL::lovage.task_state] END LOOP
      EXECUTE query INTO more
      USING part.from_at, part.to_at, of_tenant, low, high, filter ->> 'name', filter ->> 'queue', state, filter ->> 'tag',
            (filter ->> 'createdAfter')::timestamptz, (filter ->> 'createdBefore')::timestamptz, (filter ->> 'batchId')::uuid, wanted;
      CONTINUE WHEN more IS NULL;
      ids := ids || more;
      ids := CASE WHEN ascending THEN (ARRAY(SELECT i FROM unnest(ids) i ORDER BY i))[1:wanted]
                  ELSE (ARRAY(SELECT i FROM unnest(ids) i ORDER BY i DESC))[1:wanted] END;
    END LOOP;
  END LOOP;
  RETURN ids;
END
$$;
--> statement-breakpoint
-- The tasks of a batch that are in the archive. Their ids were made in the transaction that made the batch.
CREATE FUNCTION lovage.archived_members(b lovage.batch) RETURNS TABLE (id uuid, state lovage.task_state)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
  part record;
BEGIN
  FOR part IN
    SELECT p.from_at, p.to_at FROM lovage.archive_partition p
    WHERE p.max_id >= lovage.first_id_at(b.created_at - interval '1 s') AND p.min_id <= lovage.first_id_at(b.created_at + interval '1 hour')
  LOOP
    RETURN QUERY EXECUTE 'SELECT a.id, a.state FROM lovage.task_archive a WHERE a.expires_at >= $1 AND a.expires_at < $2 AND a.batch_id = $3'
    USING part.from_at, part.to_at, b.id;
  END LOOP;
END
$$;
--> statement-breakpoint
-- Tasks as add_tasks() takes them, with what their definitions say of results where the sender could not know.
CREATE FUNCTION lovage.with_result_ttl(tasks jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_agg(jsonb_build_object('resultTtlMs', d.result_ttl_ms) || t.task ORDER BY t.position)
  FROM jsonb_array_elements(tasks) WITH ORDINALITY AS t (task, position)
  LEFT JOIN lovage.definition d ON d.name = t.task ->> 'name'
$$;
--> statement-breakpoint
-- Partitions -------------------------------------------------------------------------------------------------------------

-- What the catalog says, whatever Lovage believes.
CREATE FUNCTION lovage.attached_partitions() RETURNS TABLE (name text, from_at timestamptz, to_at timestamptz, bytes bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
  SELECT c.relname::text, coalesce((m.bounds)[1], '-infinity')::timestamptz, coalesce((m.bounds)[2], 'infinity')::timestamptz, pg_total_relation_size(c.oid)
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
  -- Somebody's may be without an end. One of all the rest (DEFAULT) has no bounds, and nobody looks there.
  CROSS JOIN LATERAL (SELECT regexp_match(pg_get_expr(c.relpartbound, c.oid),
                                          'FROM \((?:''([^'']+)''|MINVALUE)\) TO \((?:''([^'']+)''|MAXVALUE)\)') AS bounds) m
  WHERE i.inhparent = 'lovage.task_archive'::regclass AND m.bounds IS NOT NULL
  ORDER BY 2
$$;
--> statement-breakpoint
-- What somebody attached or dropped by hand. Of an attached one nobody knows which ids it holds: it is always looked at.
CREATE FUNCTION lovage.learn_partitions() RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  DELETE FROM lovage.archive_partition p WHERE NOT EXISTS (
    SELECT FROM lovage.attached_partitions() a WHERE a.name = p.name AND a.from_at = p.from_at AND a.to_at = p.to_at);
  INSERT INTO lovage.archive_partition (name, from_at, to_at, min_id, max_id)
  SELECT a.name, a.from_at, a.to_at, '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'
  FROM lovage.attached_partitions() a
  ON CONFLICT DO NOTHING;
$$;
--> statement-breakpoint
-- A partition holds a day. Another width holds for those made from then on: UPDATE lovage.upkeep … WHERE subject = 'archive'.
INSERT INTO lovage.upkeep (subject, detail) VALUES ('archive', '{"periodMs": 86400000}');
--> statement-breakpoint
CREATE FUNCTION lovage.archive_period() RETURNS interval
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce((SELECT (u.detail ->> 'periodMs')::bigint FROM lovage.upkeep u WHERE u.subject = 'archive'), 86400000) * interval '1 ms'
$$;
--> statement-breakpoint
-- Times for which there is no partition, and will have to be: of each retention that a definition or a queue names, now and three
-- periods ahead.
CREATE FUNCTION lovage.lacking_partitions() RETURNS SETOF timestamptz
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT DISTINCT w.at
  FROM (SELECT d.retention_ms FROM lovage.definition d UNION SELECT q.retention_ms FROM lovage.queue_control q UNION SELECT NULL) k
  CROSS JOIN generate_series(0, 3) AS ahead
  CROSS JOIN LATERAL (SELECT now() + coalesce(k.retention_ms, 7776000000) * interval '1 ms' + ahead * lovage.archive_period() AS at) w
  WHERE NOT EXISTS (SELECT FROM lovage.archive_partition p WHERE w.at >= p.from_at AND w.at < p.to_at)
  ORDER BY 1
$$;
--> statement-breakpoint
-- Makes the partition for rows that expire at that time: made, exists, blocked, where somebody holds a lock that attaching
-- needs, and the next try may have it, or refused, where what somebody attached is in the way; `fault` says what.
-- Built apart and then attached: that stops nobody who reads or writes the archive.
CREATE FUNCTION lovage.make_archive_partition(for_time timestamptz, OUT outcome text, OUT fault text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '250ms' SET timezone = 'UTC'
AS $$
DECLARE
  period interval := lovage.archive_period();
  lower_at timestamptz;
  upper_at timestamptz;
  base text;
  table_name text;
BEGIN
  -- One at a time; whoever comes meanwhile has nothing to wait for.
  IF NOT pg_try_advisory_xact_lock(hashtextextended('lovage.archive', 0)) THEN
    outcome := 'blocked';
    RETURN;
  END IF;
  IF EXISTS (SELECT FROM lovage.attached_partitions() a WHERE for_time >= a.from_at AND for_time < a.to_at) THEN
    PERFORM lovage.learn_partitions();
    outcome := 'exists';
    RETURN;
  END IF;
  -- Between its neighbours, which may be of another width.
  lower_at := date_bin(period, for_time, '2000-01-01');
  SELECT greatest(lower_at, max(a.to_at) FILTER (WHERE a.to_at <= for_time)),
         least(lower_at + period, min(a.from_at) FILTER (WHERE a.from_at > for_time))
  INTO lower_at, upper_at FROM lovage.attached_partitions() a;
  base := 'task_archive_' || to_char(lower_at, CASE WHEN date_trunc('day', lower_at) = lower_at THEN 'YYYYMMDD' ELSE 'YYYYMMDD_HH24MISSMS' END);
  -- A table of that name which is no partition is somebody's, and stays.
  SELECT b.name INTO table_name
  FROM (SELECT base AS name, 0 AS place UNION ALL SELECT base || '_' || n, n FROM generate_series(1, 100) n) b
  WHERE to_regclass(format('lovage.%I', b.name)) IS NULL
  ORDER BY b.place LIMIT 1;
  EXECUTE format(
    'CREATE TABLE lovage.%I (LIKE lovage.task_archive INCLUDING ALL, CONSTRAINT task_archive_range CHECK (expires_at >= %L AND expires_at < %L))
     WITH (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1)', table_name, lower_at, upper_at);
  EXECUTE format('ALTER TABLE lovage.task_archive ATTACH PARTITION lovage.%I FOR VALUES FROM (%L) TO (%L)', table_name, lower_at, upper_at);
  EXECUTE format('ALTER TABLE lovage.%I DROP CONSTRAINT task_archive_range', table_name);
  PERFORM lovage.learn_partitions();
  -- Nobody has written to it yet.
  UPDATE lovage.archive_partition p SET min_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff', max_id = '00000000-0000-0000-0000-000000000000'
  WHERE p.name = table_name;
  outcome := 'made';
EXCEPTION
  WHEN lock_not_available OR deadlock_detected THEN
    outcome := 'blocked';
  -- A partition of all the rest that has rows of this one's time, or one that this function cannot see, since it is being detached.
  WHEN check_violation OR invalid_object_definition THEN
    outcome := 'refused';
    fault := SQLERRM;
END
$$;
--> statement-breakpoint
-- Drops one partition whose rows have all expired: its name, and whether it went or is blocked. What the database's clock calls
-- expired for the first time after a leap stays for an hour of looks: a clock that was wrong is put right in that time, and a
-- dropped partition does not come back.
CREATE FUNCTION lovage.drop_expired_partition(OUT name text, OUT outcome text, OUT held_until timestamptz)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '250ms'
AS $$
DECLARE
  looked lovage.upkeep;
BEGIN
  INSERT INTO lovage.upkeep (subject, at) VALUES ('clock', now()) ON CONFLICT DO NOTHING;
  -- Somebody else is at it.
  SELECT * INTO looked FROM lovage.upkeep u WHERE u.subject = 'clock' FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  held_until := (looked.detail ->> 'heldUntil')::timestamptz;
  IF now() > looked.at + interval '1 hour' THEN
    held_until := now() + interval '1 hour';
  ELSIF now() < looked.at - interval '1 minute' OR now() >= held_until THEN
    held_until := NULL;
  END IF;
  UPDATE lovage.upkeep u
  SET at = now(), detail = jsonb_strip_nulls(jsonb_build_object('heldUntil', held_until, 'leaptFrom',
             CASE WHEN held_until IS NULL THEN NULL ELSE coalesce((looked.detail ->> 'leaptFrom')::timestamptz, looked.at) END))
  WHERE u.subject = 'clock';
  SELECT p.name INTO name FROM lovage.archive_partition p
  WHERE p.to_at <= CASE WHEN held_until IS NULL THEN now() ELSE coalesce((looked.detail ->> 'leaptFrom')::timestamptz, looked.at) END
  ORDER BY p.to_at LIMIT 1;
  IF name IS NULL THEN
    RETURN;
  END IF;
  BEGIN
    EXECUTE format('DROP TABLE IF EXISTS lovage.%I', name);
    DELETE FROM lovage.archive_partition p WHERE p.name = drop_expired_partition.name;
    outcome := 'dropped';
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    outcome := 'blocked';
  END;
END
$$;
--> statement-breakpoint
-- Moving ----------------------------------------------------------------------------------------------------------------

-- Of these tasks those that have been final long enough and that nobody needs: no parent that runs on, no batch that counts on.
CREATE FUNCTION lovage.ripe_tasks(ids uuid[], at_most int) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
  SELECT ARRAY(
    SELECT t.id FROM lovage.task t
    LEFT JOIN lovage.definition d ON d.name = t.name LEFT JOIN lovage.queue_control q ON q.queue = t.queue
    WHERE t.id = ANY (ids) AND lovage.is_final(t.state)
      AND t.finished_at <= now() - coalesce(d.archive_after_ms, q.archive_after_ms, 86400000) * interval '1 ms'
      AND (t.batch_id IS NULL OR NOT EXISTS (SELECT FROM lovage.batch b WHERE b.id = t.batch_id AND b.finished_at IS NULL))
      AND (t.parent_id IS NULL OR NOT EXISTS (SELECT FROM lovage.task p WHERE p.id = t.parent_id AND NOT lovage.is_final(p.state)))
    ORDER BY t.id LIMIT at_most)
$$;
--> statement-breakpoint
-- Moves up to `at_most` tasks into the archive, in one transaction: all of it or nothing. Looks at `look_at` rows of the hot
-- table after `after`, by id, which is by age; `next` is where to go on, null at the end of a pass. `lacking` are times for which
-- there is no partition: those tasks stay where they are. Who retries a task at this moment keeps it.
CREATE FUNCTION lovage.archive_step(after uuid, look_at int DEFAULT 10000, at_most int DEFAULT 1000,
                                    OUT looked int, OUT moved int, OUT next uuid, OUT lacking timestamptz[])
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
  youngest uuid;
  -- Ids that are no times, and those of clocks that are ahead.
  ahead uuid := lovage.first_id_at(now() + interval '1 minute');
  up_to uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  ids uuid[];
  due uuid[];
  held uuid[];
  busy uuid[];
  of_queue record;
BEGIN
  moved := 0;
  lacking := '{}';
  SELECT lovage.first_id_at(now() - min(k.ms) * interval '1 ms') INTO youngest
  FROM (SELECT 86400000 AS ms UNION ALL SELECT d.archive_after_ms FROM lovage.definition d
        UNION ALL SELECT q.archive_after_ms FROM lovage.queue_control q) k;
  IF after < youngest THEN
    up_to := youngest;
  ELSE
    after := greatest(after, ahead);
  END IF;
  -- No filter but the id: a step reads so many rows and no more, whatever state they are in.
  ids := ARRAY(SELECT t.id FROM lovage.task t WHERE t.id > after AND t.id <= up_to ORDER BY t.id LIMIT look_at);
  looked := cardinality(ids);
  due := lovage.ripe_tasks(ids, at_most);
  next := CASE WHEN cardinality(due) >= at_most THEN due[at_most]
               WHEN looked >= look_at THEN ids[looked]
               WHEN up_to = youngest THEN youngest END;
  IF cardinality(due) = 0 THEN
    RETURN;
  END IF;

  -- What psql left of their jobs goes first: no job is without its task.
  FOR of_queue IN
    SELECT q.queue, q.job_table, array_agg(t.id) AS ids
    FROM lovage.task t JOIN lovage.live_queues() q ON q.queue = t.queue
    WHERE t.id = ANY (due) GROUP BY q.queue, q.job_table ORDER BY q.queue
  LOOP
    EXECUTE format('DELETE FROM pgboss.%1$I WHERE name = $1 AND id = ANY (ARRAY(
                      SELECT j.id FROM pgboss.%1$I j WHERE j.name = $1 AND j.id = ANY ($2) AND j.state > ''active''
                      ORDER BY j.id FOR UPDATE SKIP LOCKED))', of_queue.job_table)
    USING of_queue.queue, of_queue.ids;
  END LOOP;
  held := ARRAY(SELECT t.id FROM lovage.task t WHERE t.id = ANY (due) AND lovage.is_final(t.state) ORDER BY t.id FOR UPDATE SKIP LOCKED);
  -- Under the locks once more: one may have run again in between, or somebody has given it a job this moment.
  held := lovage.ripe_tasks(held, at_most);
  FOR of_queue IN
    SELECT q.queue, q.job_table, array_agg(t.id) AS ids
    FROM lovage.task t JOIN lovage.live_queues() q ON q.queue = t.queue
    WHERE t.id = ANY (held) GROUP BY q.queue, q.job_table ORDER BY q.queue
  LOOP
    EXECUTE format('SELECT array_agg(j.id) FROM pgboss.%I j WHERE j.name = $1 AND j.id = ANY ($2)', of_queue.job_table)
    INTO busy USING of_queue.queue, of_queue.ids;
    held := ARRAY(SELECT h FROM unnest(held) h WHERE busy IS NULL OR h <> ALL (busy));
  END LOOP;
  held := ARRAY(SELECT h FROM unnest(held) h EXCEPT SELECT e.task_id FROM lovage.task_end e);
  SELECT m.moved, m.lacking INTO moved, lacking FROM lovage.move_to_archive(held) m;
END
$$;
--> statement-breakpoint
-- The caller holds the tasks. A result outlives its task by no moment: a task is kept as long as its result.
CREATE FUNCTION lovage.move_to_archive(ids uuid[], OUT moved int, OUT lacking timestamptz[])
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET enable_seqscan = off SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
  placed uuid[];
  expiries timestamptz[];
  parts text[];
BEGIN
  SELECT coalesce(array_agg(w.id) FILTER (WHERE p.name IS NOT NULL), '{}'),
         coalesce(array_agg(w.expires_at) FILTER (WHERE p.name IS NOT NULL), '{}'),
         array_agg(p.name) FILTER (WHERE p.name IS NOT NULL),
         coalesce(array_agg(DISTINCT date_bin(lovage.archive_period(), w.expires_at, '2000-01-01')) FILTER (WHERE p.name IS NULL), '{}')
  INTO placed, expiries, parts, lacking
  FROM (SELECT t.id, greatest(now() + coalesce(d.retention_ms, q.retention_ms, 7776000000) * interval '1 ms', r.expires_at) AS expires_at
        FROM lovage.task t
        LEFT JOIN lovage.definition d ON d.name = t.name LEFT JOIN lovage.queue_control q ON q.queue = t.queue
        LEFT JOIN lovage.task_result r ON r.task_id = t.id
        WHERE t.id = ANY (ids)) w
  LEFT JOIN lovage.archive_partition p ON w.expires_at >= p.from_at AND w.expires_at < p.to_at;

  WITH gone AS (
    DELETE FROM lovage.task t WHERE t.id = ANY (placed) RETURNING t.*
  ), told AS (
    DELETE FROM lovage.task_event e WHERE e.task_id = ANY (placed)
    RETURNING e.task_id, e.number, jsonb_build_object('number', e.number, 'type', e.type, 'attempt', e.attempt, 'at', e.at, 'data', e.data) AS line
  ), history AS (
    SELECT t.task_id, jsonb_agg(t.line ORDER BY t.number) AS lines FROM told t GROUP BY t.task_id
  ), progress AS (
    DELETE FROM lovage.task_progress p WHERE p.task_id = ANY (placed) RETURNING p.*
  ), callback AS (
    DELETE FROM lovage.task_callback c WHERE c.task_id = ANY (placed) RETURNING c.*
  )
  INSERT INTO lovage.task_archive (id, tenant, name, queue, state, attempt, tags, batch_id, parent_id, created_at, finished_at, expires_at,
                                   task, events, kept)
  SELECT g.id, g.tenant, g.name, g.queue, g.state, g.attempt, g.tags, g.batch_id, g.parent_id, g.created_at, g.finished_at, x.expires_at,
         -- What is null goes without saying; but not within what callers sent.
         jsonb_strip_nulls(to_jsonb(g) - '{id,tenant,name,queue,state,attempt,tags,batch_id,parent_id,created_at,finished_at,input,error}'::text[])
           || CASE WHEN g.input IS NULL THEN '{}' ELSE jsonb_build_object('input', g.input) END
           || CASE WHEN g.error IS NULL THEN '{}' ELSE jsonb_build_object('error', g.error) END
           || jsonb_build_object('events', g.events + 1),
         coalesce(h.lines, '[]') || jsonb_build_object('number', g.events + 1, 'type', 'archived', 'attempt', g.attempt, 'at', now(),
                                                       'data', jsonb_build_object('expiresAt', lovage.iso_time(x.expires_at))),
         jsonb_strip_nulls(jsonb_build_object('progress', to_jsonb(p) - 'task_id', 'callback', to_jsonb(c) - 'task_id'))
  FROM gone g
  JOIN unnest(placed, expiries) AS x (id, expires_at) ON x.id = g.id
  LEFT JOIN history h ON h.task_id = g.id LEFT JOIN progress p ON p.task_id = g.id LEFT JOIN callback c ON c.task_id = g.id;
  GET DIAGNOSTICS moved = ROW_COUNT;

  UPDATE lovage.archive_partition p
  SET tasks = p.tasks + m.tasks, min_id = least(p.min_id, m.ids[1]), max_id = greatest(p.max_id, m.ids[m.tasks])
  FROM (SELECT x.part, count(*) AS tasks, array_agg(x.id ORDER BY x.id) AS ids FROM unnest(placed, parts) AS x (id, part) GROUP BY x.part) m
  WHERE p.name = m.part;
END
$$;
--> statement-breakpoint
-- Brings archived tasks back as they were, history and all. Their old events are no news to streams of many tasks: no transaction.
-- Leaves the row of archive_partition alone: who retries a task and does not commit for an hour would stop whoever archives.
CREATE FUNCTION lovage.recall_tasks(ids uuid[]) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
  part record;
  back uuid[];
  recalled uuid[] := '{}';
BEGIN
  FOR part IN SELECT p.from_at, p.to_at FROM lovage.partitions_with(ids) p LOOP
    EXECUTE '
      WITH gone AS (
        DELETE FROM lovage.task_archive a
        WHERE a.expires_at >= $1 AND a.expires_at < $2 AND a.id = ANY ($3) RETURNING a.*
      ), task AS (
        INSERT INTO lovage.task SELECT r.* FROM gone g CROSS JOIN LATERAL lovage.as_task(g) r RETURNING id
      ), event AS (
        INSERT INTO lovage.task_event (task_id, number, type, attempt, at, data, xid)
        SELECT g.id, e.number, e.type, e.attempt, e.at, e.data, NULL
        FROM gone g CROSS JOIN LATERAL jsonb_to_recordset(g.events) AS e (number int, type text, attempt int, at timestamptz, data jsonb)
      ), progress AS (
        INSERT INTO lovage.task_progress (task_id, attempt, current, total, message, updated_at)
        SELECT g.id, p.attempt, p.current, p.total, p.message, p.updated_at
        FROM gone g CROSS JOIN LATERAL jsonb_to_record(g.kept -> ''progress'') AS p (attempt int, current bigint, total bigint, message text, updated_at timestamptz)
        WHERE g.kept ? ''progress''
      ), callback AS (
        INSERT INTO lovage.task_callback (task_id, url, secret)
        SELECT g.id, c.url, c.secret
        FROM gone g CROSS JOIN LATERAL jsonb_to_record(g.kept -> ''callback'') AS c (url text, secret bytea)
        WHERE g.kept ? ''callback''
      )
      SELECT array_agg(t.id) FROM task t'
    INTO back USING part.from_at, part.to_at, ids;
    CONTINUE WHEN back IS NULL;
    recalled := recalled || back;
    EXIT WHEN cardinality(recalled) = cardinality(ids);
  END LOOP;
  RETURN recalled;
END
$$;
--> statement-breakpoint
-- Those of its ids that are not in the hot table come back into it. Whoever is about to archive one is waited for: its row is there
-- until he has committed, and here after that.
CREATE FUNCTION lovage.make_hot(ids uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
  hot uuid[];
BEGIN
  hot := ARRAY(SELECT t.id FROM lovage.task t WHERE t.id = ANY (ids) ORDER BY t.id FOR KEY SHARE);
  IF cardinality(hot) < cardinality(ids) THEN
    PERFORM lovage.recall_tasks(ARRAY(SELECT i FROM unnest(ids) i WHERE i <> ALL (hot)));
  END IF;
END
$$;
--> statement-breakpoint
-- The children of these parents that are in the archive: each is younger than its parent, whose id may be of a clock that was ahead.
CREATE FUNCTION lovage.archived_children(parents uuid[]) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
  part record;
  found uuid[];
  children uuid[] := '{}';
  eldest uuid;
BEGIN
  SELECT least(t.id, lovage.first_id_at(t.created_at)) INTO eldest FROM lovage.any_tasks(parents) t ORDER BY 1 LIMIT 1;
  FOR part IN SELECT a.from_at, a.to_at FROM lovage.archive_partition a WHERE a.max_id >= eldest LOOP
    EXECUTE 'SELECT array_agg(a.id) FROM lovage.task_archive a WHERE a.expires_at >= $1 AND a.expires_at < $2 AND a.parent_id = ANY ($3)'
    INTO found USING part.from_at, part.to_at, parents;
    children := children || coalesce(found, '{}');
  END LOOP;
  RETURN children;
END
$$;
--> statement-breakpoint
-- A rerun of a parent finds each of its children under its step.
CREATE FUNCTION lovage.recall_children(parents uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
  parents := ARRAY(SELECT DISTINCT e.task_id FROM lovage.task_event e WHERE e.task_id = ANY (parents) AND e.type = 'child');
  PERFORM lovage.recall_tasks(lovage.archived_children(parents)) WHERE cardinality(parents) > 0;
END
$$;
--> statement-breakpoint
-- A line in the history of an archived task: the end of a webhook that was long on its way.
CREATE FUNCTION lovage.note_archived(of_id uuid, type text, data jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
  part record;
  noted bigint;
BEGIN
  FOR part IN SELECT p.from_at, p.to_at FROM lovage.partitions_with(ARRAY[of_id]) p LOOP
    EXECUTE '
      UPDATE lovage.task_archive a
      SET events = a.events || jsonb_build_object(''number'', (a.task ->> ''events'')::int + 1, ''type'', $4, ''attempt'', a.attempt, ''at'', now(), ''data'', $5),
          task = a.task || jsonb_build_object(''events'', (a.task ->> ''events'')::int + 1)
      WHERE a.expires_at >= $1 AND a.expires_at < $2 AND a.id = $3'
    USING part.from_at, part.to_at, of_id, type, data;
    GET DIAGNOSTICS noted = ROW_COUNT;
    IF noted > 0 THEN
      RETURN true;
    END IF;
  END LOOP;
  RETURN false;
END
$$;
--> statement-breakpoint
-- Removes one archived task for good, with its result and its deliveries. Whoever is about to archive it has been waited for.
CREATE FUNCTION lovage.remove_archived(of_id uuid, of_tenant text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
  part record;
  removed bigint;
BEGIN
  IF EXISTS (SELECT FROM lovage.task t WHERE t.id = of_id) THEN
    RETURN false;
  END IF;
  FOR part IN SELECT p.from_at, p.to_at FROM lovage.partitions_with(ARRAY[of_id]) p LOOP
    EXECUTE 'DELETE FROM lovage.task_archive a WHERE a.expires_at >= $1 AND a.expires_at < $2 AND a.id = $3 AND a.tenant = $4'
    USING part.from_at, part.to_at, of_id, of_tenant;
    GET DIAGNOSTICS removed = ROW_COUNT;
    CONTINUE WHEN removed = 0;
    DELETE FROM lovage.task_result r WHERE r.task_id = of_id;
    DELETE FROM lovage.webhook_delivery d WHERE d.task_id = of_id;
    RETURN true;
  END LOOP;
  RETURN false;
END
$$;
--> statement-breakpoint
-- Sweeping --------------------------------------------------------------------------------------------------------------

-- Removes results past their time to live among `look_at` rows after `after`, by id. A parent that has not ended may yet read its
-- children's, and a batch hands its members' on: those stay.
CREATE FUNCTION lovage.sweep_results(after uuid, look_at int DEFAULT 5000, OUT looked int, OUT swept int, OUT next uuid)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
  youngest uuid;
  ahead uuid := lovage.first_id_at(now() + interval '1 minute');
  up_to uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  ids uuid[];
BEGIN
  SELECT lovage.first_id_at(now() - min(k.ms) * interval '1 ms') INTO youngest
  FROM (SELECT 86400000 AS ms UNION ALL SELECT d.result_ttl_ms FROM lovage.definition d) k;
  IF after < youngest THEN
    up_to := youngest;
  ELSE
    after := greatest(after, ahead);
  END IF;
  ids := ARRAY(SELECT r.task_id FROM lovage.task_result r WHERE r.task_id > after AND r.task_id <= up_to ORDER BY r.task_id LIMIT look_at);
  looked := cardinality(ids);
  next := CASE WHEN looked >= look_at THEN ids[looked] WHEN up_to = youngest THEN youngest END;
  DELETE FROM lovage.task_result r
  WHERE r.task_id = ANY (ARRAY(
    SELECT o.task_id FROM lovage.task_result o
    WHERE o.task_id = ANY (ids) AND o.expires_at <= now()
      AND NOT EXISTS (
        SELECT FROM lovage.task t
        WHERE t.id = o.task_id
          AND (EXISTS (SELECT FROM lovage.batch b WHERE b.id = t.batch_id AND b.finished_at IS NULL)
               OR EXISTS (SELECT FROM lovage.task p WHERE p.id = t.parent_id AND NOT lovage.is_final(p.state))))
    ORDER BY o.task_id FOR UPDATE SKIP LOCKED));
  GET DIAGNOSTICS swept = ROW_COUNT;
END
$$;
--> statement-breakpoint
-- Removes what psql or pg-boss's own clients left of finished jobs, two minutes after their end, at most so many of each queue.
CREATE FUNCTION lovage.sweep_jobs(at_most int DEFAULT 5000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
  of_queue record;
  removed bigint;
  swept bigint := 0;
BEGIN
  FOR of_queue IN SELECT q.queue, q.job_table FROM lovage.live_queues() q LOOP
    EXECUTE format('
      DELETE FROM pgboss.%1$I WHERE name = $1 AND id = ANY (ARRAY(
        SELECT j.id FROM pgboss.%1$I j
        WHERE j.state > ''active'' AND j.name = $1
          AND NOT EXISTS (SELECT FROM lovage.task t WHERE t.id = j.id AND (NOT lovage.is_final(t.state) OR t.finished_at > now() - interval ''2 minutes''))
        ORDER BY j.id LIMIT $2 FOR UPDATE SKIP LOCKED))', of_queue.job_table)
    USING of_queue.queue, at_most;
    GET DIAGNOSTICS removed = ROW_COUNT;
    swept := swept + removed;
  END LOOP;
  RETURN swept;
END
$$;
--> statement-breakpoint
-- Removes what has only its age: at most so many rows of each kind. A batch goes when all its tasks have gone.
CREATE FUNCTION lovage.sweep_old(audit_ms bigint, deliveries_ms bigint, at_most int DEFAULT 1000,
                                 OUT audit int, OUT deliveries int, OUT runs int, OUT workers int, OUT batches int)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  audit_before timestamptz := now() - audit_ms * interval '1 ms';
  deliveries_before timestamptz := now() - deliveries_ms * interval '1 ms';
  longest interval;
  ended uuid[];
BEGIN
  DELETE FROM lovage.audit_log l WHERE l.id = ANY (ARRAY(
    SELECT o.id FROM lovage.audit_log o WHERE o.id < lovage.first_id_at(audit_before) AND o.at < audit_before ORDER BY o.id LIMIT at_most));
  GET DIAGNOSTICS audit = ROW_COUNT;
  DELETE FROM lovage.webhook_delivery d WHERE d.id = ANY (ARRAY(
    SELECT o.id FROM lovage.webhook_delivery o
    WHERE o.id < lovage.first_id_at(deliveries_before) AND o.created_at < deliveries_before
      AND NOT EXISTS (SELECT FROM lovage.task t WHERE t.id = o.id AND NOT lovage.is_final(t.state))
    ORDER BY o.id LIMIT at_most));
  GET DIAGNOSTICS deliveries = ROW_COUNT;
  -- The last run of each schedule stays.
  DELETE FROM lovage.schedule_run r WHERE r.ctid = ANY (ARRAY(
    SELECT o.ctid FROM lovage.schedule_run o
    WHERE o.at < deliveries_before
      AND (NOT EXISTS (SELECT FROM lovage.schedule s WHERE s.id = o.schedule_id)
           OR EXISTS (SELECT FROM lovage.schedule_run n WHERE n.schedule_id = o.schedule_id AND n.occurrence > o.occurrence))
    LIMIT at_most));
  GET DIAGNOSTICS runs = ROW_COUNT;
  DELETE FROM lovage.worker w
  WHERE w.id IN (SELECT o.id FROM lovage.worker o
                 WHERE coalesce(o.stopped_at, o.lost_at) < now() - interval '7 days' AND o.heartbeat_at < now() - interval '7 days'
                 ORDER BY o.id LIMIT at_most);
  GET DIAGNOSTICS workers = ROW_COUNT;
  DELETE FROM lovage.server_start s
  WHERE s.seen_at < now() - interval '90 days' AND EXISTS (SELECT FROM lovage.server_start n WHERE n.seen_at > s.seen_at + interval '1 day');

  SELECT max(k.ms) * interval '1 ms' INTO longest
  FROM (SELECT 86400000 + 7776000000 AS ms
        UNION ALL SELECT coalesce(d.archive_after_ms, 86400000) + coalesce(d.retention_ms, 7776000000) FROM lovage.definition d
        UNION ALL SELECT coalesce(q.archive_after_ms, 86400000) + coalesce(q.retention_ms, 7776000000) FROM lovage.queue_control q) k;
  ended := ARRAY(
    SELECT b.id FROM lovage.batch b
    WHERE b.id < lovage.first_id_at(now() - longest) AND b.finished_at < now() - longest
      AND NOT EXISTS (SELECT FROM lovage.task t WHERE t.batch_id = b.id) AND NOT EXISTS (SELECT FROM lovage.archived_members(b))
    ORDER BY b.id LIMIT at_most);
  DELETE FROM lovage.batch b WHERE b.id = ANY (ended);
  GET DIAGNOSTICS batches = ROW_COUNT;
  DELETE FROM lovage.task_event e WHERE e.task_id = ANY (ended);
END
$$;
--> statement-breakpoint
-- Who keeps vacuum from removing what is dead: transactions and prepared transactions that are older than that or so many transactions
-- behind, replication slots and standbys that are so many behind. What belongs to other roles shows to members of pg_read_all_stats only.
CREATE FUNCTION lovage.vacuum_holders(older_than interval DEFAULT '10 minutes', behind_by bigint DEFAULT 1000000)
RETURNS TABLE (kind text, who text, since timestamptz, transactions bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 'transaction', format('pid %s of %s (%s), %s', a.pid, a.usename, coalesce(nullif(a.application_name, ''), 'no name'), a.state), a.xact_start,
         greatest(age(a.backend_xid), age(a.backend_xmin))::bigint
  FROM pg_stat_activity a
  -- Its xmin may be that of somebody older, who is named for himself.
  WHERE (a.xact_start < now() - older_than OR age(a.backend_xid) > behind_by)
    AND a.datname = current_database() AND a.backend_type NOT LIKE 'autovacuum%'
  UNION ALL
  SELECT 'prepared', format('prepared transaction "%s" of %s', p.gid, p.owner), p.prepared, age(p.transaction)::bigint
  FROM pg_prepared_xacts p WHERE (p.prepared < now() - older_than OR age(p.transaction) > behind_by) AND p.database = current_database()
  UNION ALL
  SELECT 'slot', format('replication slot "%s"%s', s.slot_name, CASE WHEN s.active THEN '' ELSE ', which nobody uses' END), NULL,
         greatest(age(s.xmin), age(s.catalog_xmin))::bigint
  FROM pg_replication_slots s WHERE greatest(age(s.xmin), age(s.catalog_xmin)) > behind_by
  UNION ALL
  SELECT 'standby', format('standby "%s"', r.application_name), NULL, age(r.backend_xmin)::bigint
  FROM pg_stat_replication r WHERE age(r.backend_xmin) > behind_by
$$;
--> statement-breakpoint
-- Writes down who holds vacuum back now: `SELECT * FROM lovage.upkeep WHERE subject = 'vacuum'`.
CREATE FUNCTION lovage.note_vacuum_holders() RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO lovage.upkeep AS u (subject, at, detail)
  SELECT 'vacuum', now(), jsonb_build_object('holders', coalesce(jsonb_agg(to_jsonb(h)), '[]')) FROM lovage.vacuum_holders() h
  ON CONFLICT (subject) DO UPDATE SET at = excluded.at, detail = excluded.detail
  RETURNING u.detail -> 'holders'
$$;
--> statement-breakpoint
-- What the sweeper did last, or where it is. Returns nothing new.
CREATE FUNCTION lovage.note_upkeep(of_subject text, what jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO lovage.upkeep (subject, at, detail) VALUES (of_subject, now(), what)
  ON CONFLICT (subject) DO UPDATE SET at = excluded.at, detail = upkeep.detail || excluded.detail
$$;
--> statement-breakpoint
-- Replaced: what looks for tasks by id looks in the archive too -------------------------------------------------------------

-- As before, but that a job under the id of an archived task brings that one back; and a task that runs again, its children.
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
  undone uuid[];
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
    -- The job of a task that is in the archive, or on its way there, runs that one again.
    PERFORM lovage.make_hot(ARRAY(SELECT n.id FROM fresh n));
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
  SELECT array_agg(m.id) FILTER (WHERE m.old_state = 'succeeded' AND m.state <> 'succeeded'),
         array_agg(m.id) FILTER (WHERE lovage.is_final(m.old_state) AND NOT lovage.is_final(m.state))
  INTO undone, revived FROM moved m;
  IF undone IS NOT NULL THEN
    DELETE FROM lovage.task_result WHERE task_id = ANY (undone);
  END IF;
  IF revived IS NOT NULL THEN
    PERFORM lovage.recall_children(revived);
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- As before, but that archived tasks come back first.
CREATE OR REPLACE FUNCTION lovage.retry_tasks(ids uuid[]) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE
  final uuid[];
  of_queue record;
  queued uuid[];
BEGIN
  PERFORM lovage.recall_tasks(ARRAY(SELECT i FROM unnest(ids) i WHERE NOT EXISTS (SELECT FROM lovage.task t WHERE t.id = i)));
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
  -- Who archives a task meanwhile has done so by now, and it comes back.
  PERFORM lovage.make_hot(final);
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
-- As before, but that an archived task is final.
CREATE OR REPLACE FUNCTION lovage.cancel(task_id uuid, reason text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_queue text;
  job_state text;
BEGIN
  PERFORM lovage.distrust_settings();
  SELECT t.queue INTO of_queue FROM lovage.task t WHERE t.id = cancel.task_id;
  IF NOT FOUND THEN
    RETURN lovage.audit_by_hand('tasks.cancel', cancel.task_id::text,
      CASE WHEN EXISTS (SELECT FROM lovage.any_task(cancel.task_id)) THEN 'already_final' ELSE 'not_found' END, cancel.reason);
  END IF;
  -- A job that was deleted and made anew while this waited for it is found at a second look.
  FOR look IN 1..2 LOOP
    EXECUTE format('SELECT state FROM pgboss.%I WHERE name = $1 AND id = $2 FOR UPDATE', lovage.job_table(of_queue))
    INTO job_state USING of_queue, cancel.task_id;
    EXIT WHEN job_state IS NOT NULL;
  END LOOP;
  IF job_state IS NULL OR job_state NOT IN ('created', 'retry', 'active') THEN
    RETURN lovage.audit_by_hand('tasks.cancel', cancel.task_id::text, 'already_final', cancel.reason);
  END IF;
  PERFORM set_config('lovage.reason', coalesce(left(cancel.reason, 1000), ''), true);
  IF job_state = 'active' THEN
    PERFORM lovage.request_cancel(ARRAY[cancel.task_id]);
  ELSE
    PERFORM set_config('lovage.outcome', 'cancelled', true);
    EXECUTE format('DELETE FROM pgboss.%I WHERE name = $1 AND id = $2', lovage.job_table(of_queue))
    USING of_queue, cancel.task_id;
    PERFORM set_config('lovage.outcome', '', true);
  END IF;
  PERFORM set_config('lovage.reason', '', true);
  RETURN lovage.audit_by_hand('tasks.cancel', cancel.task_id::text,
    CASE job_state WHEN 'active' THEN 'requested' ELSE 'cancelled' END, cancel.reason);
END
$$;
--> statement-breakpoint
-- As before, of archived tasks too.
CREATE OR REPLACE FUNCTION lovage.explain(task_id uuid) RETURNS TABLE (reason text, since timestamptz, detail text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE
  t lovage.task;
  -- Its last event is what made it wait, or ended it.
  changed record;
BEGIN
  SELECT * INTO t FROM lovage.any_task(explain.task_id);
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT * INTO changed FROM lovage.any_events(t.id) e
  WHERE e.type NOT IN ('webhook', 'archived') ORDER BY e.number DESC LIMIT 1;

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
-- As before, of archived tasks too.
CREATE OR REPLACE FUNCTION lovage.audit_by_hand(action text, target text, outcome text, reason text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF lovage.is_by_hand() THEN
    PERFORM lovage.note_by_hand(CASE WHEN action LIKE 'tasks.%' THEN (SELECT t.tenant FROM lovage.any_task(target::uuid) t) END,
                                action, target, outcome, jsonb_build_object('reason', left(reason, 1000)));
  END IF;
  RETURN outcome;
END
$$;
--> statement-breakpoint
-- As before; a task that is archived holds its key as long as its time is not over.
CREATE OR REPLACE FUNCTION lovage.hold_dedupe_key(of_tenant text, of_name text, of_key text, within_ms double precision, of_task uuid) RETURNS uuid
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
    IF EXISTS (SELECT FROM lovage.any_task(held.task_id) t WHERE (held.until > now() OR NOT lovage.is_final(t.state))) THEN
      RETURN held.task_id;
    END IF;
    UPDATE lovage.dedupe_key k SET task_id = of_task, until = now() + within_ms * interval '1 ms'
    WHERE k.tenant = of_tenant AND k.name = of_name AND k.key = of_key;
    RETURN of_task;
  END LOOP;
END
$$;
--> statement-breakpoint
-- As before; the task of a replay may be archived.
CREATE OR REPLACE FUNCTION lovage.add_task_once(task jsonb, once jsonb, OUT outcome text, OUT answer lovage.task)
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
      SELECT * INTO answer FROM lovage.any_task(earlier) WHERE outcome = 'replayed';
      RETURN;
    END IF;
  END IF;
  IF wanted_key IS NOT NULL THEN
    earlier := lovage.hold_dedupe_key(of_tenant, task ->> 'name', wanted_key, (task #>> '{dedupe,withinMs}')::double precision, new_id);
    IF earlier <> new_id THEN
      outcome := 'deduplicated';
      SELECT * INTO answer FROM lovage.any_task(earlier);
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
-- As before, of archived tasks too.
CREATE OR REPLACE FUNCTION lovage.with_free_key(ids uuid[]) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(array_agg(f.id), '{}') FROM (
    SELECT DISTINCT ON (t.tenant, t.name, coalesce(t.dedupe_key, t.id::text)) t.id
    FROM lovage.any_tasks(ids) t
    WHERE NOT EXISTS (
      SELECT FROM lovage.dedupe_key k CROSS JOIN LATERAL lovage.any_task(k.task_id) h
      WHERE k.tenant = t.tenant AND k.name = t.name AND k.key = t.dedupe_key AND k.task_id <> t.id
        AND (k.until > now() OR NOT lovage.is_final(h.state)))
    ORDER BY t.tenant, t.name, coalesce(t.dedupe_key, t.id::text), t.id DESC) f
$$;
--> statement-breakpoint
-- As before, and dedupe keys of tasks that are there no longer.
CREATE OR REPLACE FUNCTION lovage.sweep_keys(after text[], at_most int, OUT swept int, OUT next text[])
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
          AND NOT EXISTS (SELECT FROM lovage.task t WHERE t.id = k.task_id AND NOT lovage.is_final(t.state))
          AND (coalesce(k.until <= now(), true) OR NOT EXISTS (SELECT FROM lovage.any_task(k.task_id)))
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
-- As before; a task that was archived while its message was on its way learns of it there.
CREATE OR REPLACE FUNCTION lovage.end_webhook_try(of_id uuid, outcome text, status int, fault text, disables text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
  d lovage.webhook_delivery;
BEGIN
  UPDATE lovage.webhook_delivery w
  SET last_status = status, last_error = fault, delivered_at = CASE WHEN outcome = 'delivered' THEN now() END
  WHERE w.id = of_id AND w.delivered_at IS NULL
  RETURNING * INTO d;
  IF NOT FOUND OR outcome = 'retrying' THEN
    RETURN;
  END IF;
  WITH told AS (
    UPDATE lovage.task t SET events = t.events + 1 WHERE t.id = d.task_id RETURNING t.id, t.events, t.attempt
  )
  INSERT INTO lovage.task_event (task_id, number, type, attempt, data)
  SELECT t.id, t.events, 'webhook', t.attempt, jsonb_strip_nulls(jsonb_build_object(
           'delivery', d.id, 'webhook', d.endpoint_id, 'event', d.event, 'outcome', outcome, 'status', status, 'tries', d.tries,
           'error', fault))
  FROM told t;
  IF NOT FOUND AND d.task_id IS NOT NULL THEN
    PERFORM lovage.note_archived(d.task_id, 'webhook', jsonb_strip_nulls(jsonb_build_object(
              'delivery', d.id, 'webhook', d.endpoint_id, 'event', d.event, 'outcome', outcome, 'status', status, 'tries', d.tries,
              'error', fault)));
  END IF;

  IF outcome = 'failed' AND disables IS NULL AND d.created_at < now() - interval '2 days' AND NOT EXISTS (
       SELECT FROM lovage.webhook_delivery o WHERE o.endpoint_id = d.endpoint_id AND o.delivered_at >= d.created_at) THEN
    disables := format('it took no delivery since %s; the last time: %s', lovage.iso_time(d.created_at), fault);
  END IF;
  UPDATE lovage.webhook_endpoint e SET disabled_at = now(), disabled_reason = disables
  WHERE disables IS NOT NULL AND e.id = d.endpoint_id AND e.disabled_at IS NULL;
END
$$;
--> statement-breakpoint
-- What must hold at any moment, as queries. STABLE: every check reads the caller's one snapshot. No nested loops: of tables that were
-- analysed while they were empty each would be thought to have one row, and all that has come since would be read once for each of it.
CREATE OR REPLACE FUNCTION lovage.check_invariants() RETURNS TABLE (invariant text, task_id uuid, detail text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
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
  SELECT 'results', r.task_id, format('a result is stored but the task is %s', coalesce(r.state::text, a.state::text, 'gone'))
  FROM (SELECT o.task_id, t.state FROM lovage.task_result o LEFT JOIN lovage.task t ON t.id = o.task_id
        WHERE o.expires_at > now() AND t.state IS DISTINCT FROM 'succeeded' OFFSET 0) r
  LEFT JOIN LATERAL (SELECT o.state FROM lovage.task_archive o WHERE o.id = r.task_id OFFSET 0) a ON true
  WHERE coalesce(r.state, a.state) IS DISTINCT FROM 'succeeded'
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
  UNION ALL
  -- 7. A task is in one place, with its whole history, and whoever looks for it there opens its partition.
  SELECT 'archive', a.id, 'task is in the hot table and in the archive'
  FROM lovage.task_archive a WHERE EXISTS (SELECT FROM lovage.task t WHERE t.id = a.id)
  UNION ALL
  SELECT 'archive', a.id, format('task is in the archive %s times', count(*)) FROM lovage.task_archive a GROUP BY a.id HAVING count(*) > 1
  UNION ALL
  SELECT 'archive', a.id, format('archived task counts %s events, its history has %s', a.task ->> 'events', jsonb_array_length(a.events))
  FROM lovage.task_archive a
  WHERE jsonb_array_length(a.events) <> (a.task ->> 'events')::int
     OR (SELECT array_agg((e.line ->> 'number')::bigint) <> array_agg(e.place) FROM jsonb_array_elements(a.events) WITH ORDINALITY AS e (line, place))
  UNION ALL
  SELECT 'archive', a.id, 'its partition is not known to hold it'
  FROM lovage.task_archive a
  WHERE NOT EXISTS (SELECT FROM lovage.archive_partition p
                    WHERE a.expires_at >= p.from_at AND a.expires_at < p.to_at AND a.id BETWEEN p.min_id AND p.max_id)
  UNION ALL
  SELECT 'archive', e.task_id, 'events are left of a task that is archived'
  FROM lovage.task_archive a JOIN lovage.task_event e ON e.task_id = a.id
  WHERE NOT EXISTS (SELECT FROM lovage.task t WHERE t.id = a.id)
$$;
--> statement-breakpoint
-- As before, and it knows the archive. No nested loops, for the reason that check_invariants() gives: every worker begins with this.
CREATE OR REPLACE FUNCTION lovage.reconcile() RETURNS TABLE (mended text, task_id uuid)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
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

  PERFORM lovage.learn_partitions();
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
    DELETE FROM lovage.task_result r
    WHERE NOT EXISTS (SELECT FROM lovage.task t WHERE t.id = r.task_id AND t.state = 'succeeded')
      -- What may be in the archive is left to reconcile_archive(): it has millions of rows.
      AND (EXISTS (SELECT FROM lovage.task t WHERE t.id = r.task_id) OR NOT EXISTS (SELECT FROM lovage.archive_partition p WHERE p.max_id >= r.task_id))
    RETURNING r.task_id AS id)
  SELECT array_agg(id) INTO ids FROM gone;
  RETURN QUERY SELECT 'removed a result without a success', unnest(ids);

  PERFORM set_config('lovage.reconciling', '', true), set_config('lovage.actor', '', true), set_config('lovage.reason', '', true);
END
$$;
--> statement-breakpoint
-- Mends the archive, as reconcile() does the rest. Reads all of it: not for every start.
CREATE FUNCTION lovage.reconcile_archive() RETURNS TABLE (mended text, task_id uuid)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  ids uuid[];
BEGIN
  PERFORM lovage.learn_partitions();
  WITH gone AS (
    DELETE FROM lovage.task_archive a WHERE EXISTS (SELECT FROM lovage.task t WHERE t.id = a.id) RETURNING a.id)
  SELECT array_agg(id) INTO ids FROM gone;
  RETURN QUERY SELECT 'removed what the archive had of a task in the hot table', unnest(ids);
  WITH gone AS (
    DELETE FROM lovage.task_event e USING lovage.task_archive a
    WHERE e.task_id = a.id AND NOT EXISTS (SELECT FROM lovage.task t WHERE t.id = a.id) RETURNING a.id)
  SELECT array_agg(DISTINCT id) INTO ids FROM gone;
  RETURN QUERY SELECT 'removed events that the archive has too', unnest(ids);
  UPDATE lovage.archive_partition p
  SET min_id = '00000000-0000-0000-0000-000000000000', max_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
  WHERE EXISTS (SELECT FROM lovage.task_archive a
                WHERE a.expires_at >= p.from_at AND a.expires_at < p.to_at AND a.id NOT BETWEEN p.min_id AND p.max_id);
  WITH gone AS (
    DELETE FROM lovage.task_result r
    WHERE NOT EXISTS (SELECT FROM lovage.task t WHERE t.id = r.task_id AND t.state = 'succeeded')
      AND NOT EXISTS (SELECT FROM lovage.task_archive a WHERE a.id = r.task_id AND a.state = 'succeeded')
    RETURNING r.task_id AS id)
  SELECT array_agg(id) INTO ids FROM gone;
  RETURN QUERY SELECT 'removed a result without a success', unnest(ids);
END
$$;
--> statement-breakpoint
-- Whoever may read tasks may not therefore move or drop them.
DO $$
DECLARE
  own regprocedure;
BEGIN
  FOR own IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'lovage'::regnamespace AND p.proname IN ('tune_queue',
    'first_id_at',
    'keeping',
    'partitions_with',
    'archived_rows',
    'as_task',
    'archived_tasks',
    'any_tasks',
    'any_task',
    'any_events',
    'archived_ids',
    'archived_members',
    'with_result_ttl',
    'attached_partitions',
    'learn_partitions',
    'archive_period',
    'lacking_partitions',
    'make_archive_partition',
    'drop_expired_partition',
    'ripe_tasks',
    'archive_step',
    'move_to_archive',
    'recall_tasks',
    'make_hot',
    'archived_children',
    'recall_children',
    'note_archived',
    'remove_archived',
    'sweep_results',
    'sweep_jobs',
    'sweep_old',
    'vacuum_holders',
    'note_vacuum_holders',
    'note_upkeep',
    'reconcile_archive') LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', own);
  END LOOP;
END
$$;
