-- How the hot tables are kept: room on each page for HOT updates, and vacuum that comes early. A claim moves whole
-- pages of tasks at once, so each needs room for a second copy of all its rows: at 70 only six in ten were HOT.
ALTER TABLE lovage.task SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
--> statement-breakpoint
ALTER TABLE lovage.task_progress SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
--> statement-breakpoint
ALTER TABLE lovage.worker SET (fillfactor = 50);
--> statement-breakpoint
ALTER TABLE lovage.task
  ADD CONSTRAINT task_counts CHECK (attempt >= 0 AND failures >= 0 AND crashes >= 0 AND max_attempts > 0 AND events >= 0),
  ADD CONSTRAINT task_final_has_time CHECK ((state IN ('succeeded', 'failed', 'cancelled', 'expired')) = (finished_at IS NOT NULL));
--> statement-breakpoint
ALTER TABLE lovage.task_event ADD CONSTRAINT task_event_numbered CHECK (number > 0);
--> statement-breakpoint
-- Time first, then the microseconds in the twelve bits after it: ids made in one millisecond keep their order.
CREATE FUNCTION lovage.uuid_v7() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT encode(
    int8send((us / 1000) << 16 | 28672 | (us % 1000) * 4096 / 1000)
      || set_byte(r, 0, (get_byte(r, 0) & 63) | 128),
    'hex')::uuid
  FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS us,
               substring(uuid_send(gen_random_uuid()) FROM 9) AS r) AS now_and_noise
$$;
