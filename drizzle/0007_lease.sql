-- Leases: a worker holds a session advisory lock as long as its process lives, and writes its heartbeat. Others look twice
-- a second, which touches nothing but lovage.worker as long as nobody died.

-- Rows of workers that ended stay: a look must not read them all. No update of a live row changes what it names.
CREATE INDEX worker_live ON lovage.worker (id) WHERE stopped_at IS NULL AND lost_at IS NULL;
--> statement-breakpoint
-- Names the server's present start: a restart, a failover, and the crash of one backend, each free every advisory lock.
-- The last one leaves the postmaster running and starts its checkpointer anew, which not every role may see.
CREATE FUNCTION lovage.server_epoch() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()),
                   (SELECT extract(epoch FROM a.backend_start) FROM pg_stat_activity a WHERE a.backend_type = 'checkpointer' LIMIT 1))
$$;
--> statement-breakpoint
-- Notes when the server's present start was first seen, and names it. A session never outlives a start.
CREATE FUNCTION lovage.see_server() RETURNS text
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO lovage.server_start (epoch) VALUES (lovage.server_epoch()) ON CONFLICT DO NOTHING;
  SELECT lovage.server_epoch();
$$;
--> statement-breakpoint
-- Let go of at once: its owner may come back for it at this moment.
CREATE FUNCTION lovage.is_lease_free(key bigint) RETURNS boolean
LANGUAGE sql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE WHEN pg_try_advisory_lock_shared(key) THEN pg_advisory_unlock_shared(key) ELSE false END $$;
--> statement-breakpoint
-- What is to be thought of every worker that has not ended, but the one that asks:
--   crashed  its process is gone: its lease has been free for `patience`, or is free and the heartbeat older than `deadline`
--   lost     its tasks run again and count no crash: a frozen process still holds its lease, a draining one left on purpose
--   suspect  its lease is free
-- A lease of an earlier start of the server says nothing; its heartbeat counts from when this start was first seen. Who goes by his
-- heartbeat alone has no key. A null deadline or patience: the one that asks was cut off himself, and trusts no such sign yet.
CREATE FUNCTION lovage.judge_workers(of_epoch text, deadline interval, patience interval, looker uuid)
RETURNS TABLE (id uuid, verdict text, is_free boolean)
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT w.id,
         CASE WHEN w.is_late OR (w.is_suspect AND w.suspect_at <= clock_timestamp() - patience)
              THEN CASE WHEN w.is_free AND NOT w.draining THEN 'crashed' ELSE 'lost' END
              WHEN w.is_suspect THEN 'suspect' ELSE 'alive' END,
         w.is_free
  FROM (
    SELECT f.*, f.is_free AND f.lease_key IS NOT NULL AND f.lease_epoch = of_epoch AND patience IS NOT NULL AS is_suspect,
           greatest(f.heartbeat_at, CASE WHEN f.lease_epoch <> of_epoch THEN s.seen_at END) < clock_timestamp() - deadline AS is_late
    FROM (
      SELECT l.id, l.heartbeat_at, l.draining, l.suspect_at, l.lease_key, l.lease_epoch,
             coalesce(lovage.is_lease_free(l.lease_key), true) AS is_free
      FROM lovage.worker l
      WHERE l.stopped_at IS NULL AND l.lost_at IS NULL AND l.id IS DISTINCT FROM looker) f
    LEFT JOIN lovage.server_start s ON s.epoch = of_epoch) w
$$;
--> statement-breakpoint
-- A look at the others: notes since when a lease is free, and that it was taken again. Returns those of whom there is something to
-- say. It waits for nobody's lock, since the one that looks has a lease of his own to keep.
CREATE FUNCTION lovage.watch_workers(of_epoch text, deadline interval, patience interval, looker uuid)
RETURNS TABLE (worker_id uuid, verdict text)
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  WITH judged AS MATERIALIZED (
    SELECT * FROM lovage.judge_workers(of_epoch, deadline, patience, looker)
  ), changed AS (
    SELECT w.id, j.verdict = 'suspect' AS is_suspect
    FROM lovage.worker w JOIN judged j ON j.id = w.id
    WHERE (j.verdict = 'suspect' AND w.suspect_at IS NULL) OR (NOT j.is_free AND w.suspect_at IS NOT NULL)
    FOR UPDATE OF w SKIP LOCKED
  ), noted AS (
    UPDATE lovage.worker w SET suspect_at = CASE WHEN c.is_suspect THEN clock_timestamp() END
    FROM changed c WHERE w.id = c.id)
  SELECT j.id, j.verdict FROM judged j WHERE j.verdict <> 'alive'
$$;
--> statement-breakpoint
DROP FUNCTION lovage.rescue(interval);
--> statement-breakpoint
-- Takes the running tasks of workers that are gone and queues them again; the next claim of each gets a new attempt number, so an
-- old worker's settle is refused. A crash counts, and quarantines at `max_crashes`. Two rescuers share the dead among them.
-- `lost_before` are workers whose tasks were taken already: a claim of theirs that waited for a lock may have come through since.
CREATE FUNCTION lovage.rescue(deadline interval, patience interval DEFAULT NULL, looker uuid DEFAULT NULL,
                              max_crashes int DEFAULT 3, crash_delay_ms double precision DEFAULT 1000, lost_before uuid[] DEFAULT '{}')
RETURNS TABLE (task_id uuid, queue text, worker_id uuid, is_crash boolean, state lovage.task_state)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_epoch text := lovage.server_epoch();
  gone uuid[];
  crashed uuid[];
  declared record;
  found uuid[];
  held uuid[];
  held_crashed uuid[];
  still_running uuid[];
BEGIN
  SELECT array_agg(j.id) INTO gone FROM lovage.judge_workers(of_epoch, deadline, patience, looker) j WHERE j.verdict IN ('crashed', 'lost');
  SELECT array_agg(mine.id) INTO gone FROM (
    SELECT w.id FROM lovage.worker w
    WHERE w.stopped_at IS NULL AND ((w.lost_at IS NULL AND w.id = ANY (gone)) OR (w.lost_at IS NOT NULL AND w.id = ANY (lost_before)))
    ORDER BY w.id FOR UPDATE SKIP LOCKED) mine;
  IF gone IS NULL THEN
    RETURN;
  END IF;
  -- Judged again, now that what they would say waits: one that was about to say it holds its lease.
  SELECT array_agg(j.id) FILTER (WHERE j.verdict IN ('crashed', 'lost')), array_agg(j.id) FILTER (WHERE j.verdict = 'crashed')
  INTO found, crashed
  FROM lovage.judge_workers(of_epoch, deadline, patience, looker) j WHERE j.id = ANY (gone);
  SELECT coalesce(found, '{}') || coalesce(array_agg(w.id), '{}') INTO gone
  FROM lovage.worker w WHERE w.id = ANY (gone) AND w.lost_at IS NOT NULL;
  crashed := coalesce(crashed, '{}');
  IF cardinality(gone) = 0 THEN
    RETURN;
  END IF;

  FOR declared IN SELECT q.queue, q.job_table FROM lovage.live_queues() q LOOP
    -- The one look through the queue, for all of them together; what follows goes by ids.
    EXECUTE format('SELECT array_agg(j.id) FROM pgboss.%I j JOIN lovage.task t ON t.id = j.id
                    WHERE j.name = $1 AND j.state = ''active'' AND t.worker_id = ANY ($2)', declared.job_table)
    INTO found USING declared.queue, gone;
    CONTINUE WHEN found IS NULL;
    EXECUTE format(
      'SELECT array_agg(stale.id), array_agg(stale.id) FILTER (WHERE stale.worker_id = ANY ($4)) FROM (
         SELECT j.id, t.worker_id FROM pgboss.%I j JOIN lovage.task t ON t.id = j.id
         WHERE j.name = $1 AND j.id = ANY ($2) AND j.state = ''active'' AND t.worker_id = ANY ($3)
         ORDER BY j.id FOR UPDATE OF j) stale', declared.job_table)
    INTO held, held_crashed USING declared.queue, found, gone, crashed;
    IF held_crashed IS NOT NULL THEN
      PERFORM lovage.settle_lost(declared.queue, held_crashed, true, max_crashes, crash_delay_ms, 'its worker died');
    END IF;
    IF held IS NOT NULL AND cardinality(held) > coalesce(cardinality(held_crashed), 0) THEN
      PERFORM lovage.settle_lost(declared.queue, ARRAY(SELECT unnest(held) EXCEPT SELECT unnest(held_crashed)), why => 'its worker fell silent');
    END IF;
    RETURN QUERY SELECT t.id, t.queue, t.worker_id, t.worker_id = ANY (crashed), t.state FROM lovage.task t WHERE t.id = ANY (held);
    PERFORM pg_notify('lovage_ready', declared.queue) WHERE held IS NOT NULL;
    -- A job that was deleted by hand and put back while this waited for it: the next rescue comes for it.
    EXECUTE format('SELECT $4 || array_agg(t.worker_id) FROM pgboss.%I j JOIN lovage.task t ON t.id = j.id
                    WHERE j.name = $1 AND j.id = ANY ($2) AND j.state = ''active'' AND t.worker_id = ANY ($3)', declared.job_table)
    INTO still_running USING declared.queue, found, gone, still_running;
  END LOOP;
  UPDATE lovage.worker w SET lost_at = coalesce(w.lost_at, now()), suspect_at = NULL
  WHERE w.id = ANY (gone) AND w.id <> ALL (coalesce(still_running, '{}'));
END
$$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION lovage.server_epoch(), lovage.see_server(), lovage.is_lease_free(bigint),
  lovage.judge_workers(text, interval, interval, uuid), lovage.watch_workers(text, interval, interval, uuid),
  lovage.rescue(interval, interval, uuid, int, double precision, uuid[]) FROM PUBLIC;
