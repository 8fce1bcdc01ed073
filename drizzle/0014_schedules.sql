-- Schedules: what wakes the workers that keep them, and what operators do by hand.

ALTER TABLE lovage.schedule ADD COLUMN resumed_at timestamp with time zone;
--> statement-breakpoint
ALTER TABLE lovage.schedule_run ADD COLUMN error text;
--> statement-breakpoint
ALTER TABLE lovage.schedule_run
  ADD CONSTRAINT schedule_run_kind CHECK (kind IN ('due', 'made_up', 'skipped', 'by_hand'));
--> statement-breakpoint
CREATE FUNCTION lovage.tell_schedule() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM pg_notify('lovage_schedule', '');
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER schedule_added AFTER INSERT ON lovage.schedule
FOR EACH ROW WHEN (NEW.next_at IS NOT NULL AND NEW.paused_at IS NULL)
EXECUTE FUNCTION lovage.tell_schedule();
--> statement-breakpoint
-- Only what makes a schedule due sooner: a run moves next_at on, and wakes nobody.
CREATE TRIGGER schedule_changed AFTER UPDATE OF next_at, paused_at ON lovage.schedule
FOR EACH ROW WHEN (NEW.next_at IS NOT NULL AND NEW.paused_at IS NULL
                   AND (OLD.paused_at IS NOT NULL OR OLD.next_at IS NULL OR NEW.next_at < OLD.next_at))
EXECUTE FUNCTION lovage.tell_schedule();
--> statement-breakpoint
-- paused, already_paused or not_found.
CREATE FUNCTION lovage.pause_schedule(name text, tenant text DEFAULT 'default') RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE lovage.schedule s SET paused_at = now(), paused_by = lovage.actor()
  WHERE s.tenant = pause_schedule.tenant AND s.name = pause_schedule.name AND s.paused_at IS NULL;
  IF FOUND THEN
    RETURN 'paused';
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM lovage.schedule s
                           WHERE s.tenant = pause_schedule.tenant AND s.name = pause_schedule.name)
              THEN 'already_paused' ELSE 'not_found' END;
END
$$;
--> statement-breakpoint
-- resumed, not_paused or not_found. What came due before resumed_at is not run: a worker passes over it and works out
-- the next time, which SQL cannot.
CREATE FUNCTION lovage.resume_schedule(name text, tenant text DEFAULT 'default') RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE lovage.schedule s SET paused_at = NULL, paused_by = NULL, resumed_at = now()
  WHERE s.tenant = resume_schedule.tenant AND s.name = resume_schedule.name AND s.paused_at IS NOT NULL;
  IF FOUND THEN
    RETURN 'resumed';
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM lovage.schedule s
                           WHERE s.tenant = resume_schedule.tenant AND s.name = resume_schedule.name)
              THEN 'not_paused' ELSE 'not_found' END;
END
$$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION lovage.tell_schedule(), lovage.pause_schedule(text, text), lovage.resume_schedule(text, text) FROM PUBLIC;
