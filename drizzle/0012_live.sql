-- What streams of many tasks read: the history in the order of its transactions.

-- Rows older than the column have no place in any stream. Transactions number their rows upwards, so this index grows at its
-- right end, and many rows of one transaction share an entry.
CREATE INDEX task_event_xid ON lovage.task_event (xid) WHERE xid IS NOT NULL;
--> statement-breakpoint
-- Events that the snapshot could not see and the caller can, in the order (xid, task, number), after `last_*` where that is
-- given; with `up_to` only those that it could see. At most `wanted`. Two ranges of one index, each of its own: what was under
-- way at the snapshot, and what began after it.
CREATE FUNCTION lovage.events_since(since pg_snapshot, up_to pg_snapshot, last_xid xid8, last_task uuid, last_number int,
                                    wanted int)
RETURNS SETOF lovage.task_event
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  open_then xid8[] := ARRAY(SELECT x FROM pg_snapshot_xip(since) x WHERE last_xid IS NULL OR x >= last_xid);
  began_after xid8 := greatest(pg_snapshot_xmax(since), last_xid);
  began_before xid8 := coalesce(pg_snapshot_xmax(up_to), '18446744073709551615');
BEGIN
  RETURN QUERY
  (SELECT e.* FROM lovage.task_event e
   WHERE e.xid = ANY (open_then) AND (up_to IS NULL OR pg_visible_in_snapshot(e.xid, up_to))
     AND (last_xid IS NULL OR (e.xid, e.task_id, e.number) > (last_xid, last_task, last_number))
   ORDER BY e.xid, e.task_id, e.number LIMIT wanted)
  UNION ALL
  (SELECT e.* FROM lovage.task_event e
   WHERE e.xid >= began_after AND e.xid < began_before
     AND (up_to IS NULL OR pg_visible_in_snapshot(e.xid, up_to))
     AND (last_xid IS NULL OR (e.xid, e.task_id, e.number) > (last_xid, last_task, last_number))
   ORDER BY e.xid, e.task_id, e.number LIMIT wanted)
  ORDER BY xid, task_id, number LIMIT wanted;
END
$$;
--> statement-breakpoint
CREATE FUNCTION lovage.has_events_since(since pg_snapshot) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
  RETURN EXISTS (SELECT FROM lovage.task_event e WHERE e.xid >= pg_snapshot_xmax(since))
      OR EXISTS (SELECT FROM lovage.task_event e WHERE e.xid = ANY (ARRAY(SELECT pg_snapshot_xip(since))));
END
$$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION lovage.events_since(pg_snapshot, pg_snapshot, xid8, uuid, int, int),
                           lovage.has_events_since(pg_snapshot) FROM PUBLIC;
