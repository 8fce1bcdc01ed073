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
-- Since when the oldest waits among the next 1,000 of a queue to start, by the order in which they are claimed.
CREATE FUNCTION lovage.oldest_ready(of_queue text) RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
  job_table text := (SELECT q.job_table FROM lovage.live_queues() q WHERE q.queue = of_queue);
  oldest timestamptz;
BEGIN
  IF job_table IS NOT NULL THEN
    EXECUTE format('SELECT min(greatest(n.created_on, n.start_after)) FROM (
                      SELECT j.created_on, j.start_after FROM pgboss.%I j WHERE j.name = $1 AND j.state < ''active'' AND NOT j.blocked
                      ORDER BY j.priority DESC, j.created_on, j.id LIMIT 1000) n WHERE n.start_after <= now()', job_table)
    INTO oldest USING of_queue;
  END IF;
  RETURN oldest;
END
$$;
--> statement-breakpoint
-- What the newest 10,000 events tell of the last minute, or of the time that they reach back where more happens.
CREATE FUNCTION lovage.recent_ends()
RETURNS TABLE (seconds double precision, succeeded int, failed int, cancelled int, expired int, retried int, crashed int)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
  WITH newest AS MATERIALIZED (
    SELECT e.type, e.at FROM lovage.task_event e WHERE e.xid IS NOT NULL ORDER BY e.xid DESC LIMIT 10000
  ), reach AS (
    SELECT CASE WHEN count(*) = 10000 THEN greatest(min(n.at), now() - interval '1 minute') ELSE now() - interval '1 minute' END AS since
    FROM newest n
  )
  SELECT greatest(0.001, extract(epoch FROM now() - r.since))::float8,
         count(*) FILTER (WHERE n.type = 'succeeded')::int, count(*) FILTER (WHERE n.type = 'failed')::int,
         count(*) FILTER (WHERE n.type = 'cancelled')::int, count(*) FILTER (WHERE n.type = 'expired')::int,
         count(*) FILTER (WHERE n.type = 'retrying')::int, count(*) FILTER (WHERE n.type = 'crashed')::int
  FROM reach r LEFT JOIN newest n ON n.at >= r.since GROUP BY r.since
$$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION lovage.change_limits(text, jsonb, boolean), lovage.oldest_ready(text),
  lovage.recent_ends() FROM PUBLIC;
