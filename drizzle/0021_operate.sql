-- What the API and the command line ask of queues.

-- Changes what holds a queue back, by maxRunning, maxPerKey, rateLimit with ratePeriodMs: what is not named stays, null takes
-- a limit away. Lasts over restarts until `as_configured`, with which the next start may change it again. Returns limited or not_found.
CREATE FUNCTION lovage.change_limits(queue text, change jsonb, as_configured boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  control lovage.queue_control;
BEGIN
  -- In the order of set_limits(): of two changes at once the second sees the first.
  PERFORM pg_advisory_xact_lock(hashtext('lovage.begin_claim'), hashtext(change_limits.queue));
  SELECT * INTO control FROM lovage.queue_control q WHERE q.queue = change_limits.queue FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'not_found';
  END IF;
  PERFORM lovage.set_limits(
    change_limits.queue,
    CASE WHEN change ? 'maxRunning' THEN (change ->> 'maxRunning')::int ELSE control.max_running END,
    CASE WHEN change ? 'maxPerKey' THEN (change ->> 'maxPerKey')::int ELSE control.max_per_key END,
    CASE WHEN change ? 'rateLimit' THEN (change ->> 'rateLimit')::int ELSE control.rate_limit END,
    CASE WHEN change ? 'rateLimit' THEN (change ->> 'ratePeriodMs')::int ELSE control.rate_period_ms END);
  UPDATE lovage.queue_control q SET limited_at = CASE WHEN NOT as_configured THEN now() END,
         limited_by = CASE WHEN NOT as_configured THEN lovage.actor() END
  WHERE q.queue = change_limits.queue;
  RETURN lovage.audit_by_hand('queues.limit', change_limits.queue, 'limited');
END
$$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION lovage.change_limits(text, jsonb, boolean) FROM PUBLIC;
