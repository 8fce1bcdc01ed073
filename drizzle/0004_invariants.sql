-- What must hold at any moment, as queries. STABLE: every check reads the caller's one snapshot.
CREATE FUNCTION lovage.check_invariants() RETURNS TABLE (invariant text, task_id uuid, detail text)
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
    AND t.state::text <> CASE j.state WHEN 'created' THEN CASE t.state WHEN 'waiting' THEN 'waiting' ELSE 'queued' END
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
  WHERE e.attempt > 0 AND e.type IN ('started', 'succeeded', 'failed', 'retrying', 'handed_back', 'rescued')
    AND (e.type IN ('started', 'rescued') OR NOT e.data ? 'by')
  GROUP BY e.task_id, e.attempt
  HAVING count(*) FILTER (WHERE e.type = 'started') > 1 OR count(*) FILTER (WHERE e.type <> 'started') > 1
  UNION ALL
  SELECT 'one-settle-per-attempt', s.task_id, format('attempt %s started while attempt %s had not ended', s.attempt, s.before)
  FROM (SELECT e.task_id, e.attempt, e.type, lag(e.type) OVER w AS type_before, lag(e.attempt) OVER w AS before
        FROM lovage.task_event e
        WHERE e.type IN ('started', 'succeeded', 'failed', 'cancelled', 'expired', 'retrying', 'handed_back', 'rescued', 'requeued')
        WINDOW w AS (PARTITION BY e.task_id ORDER BY e.number)) s
  WHERE s.type = 'started' AND s.type_before = 'started'
  UNION ALL
  -- 3. Event numbers run from 1 without gap or duplicate; after the final event comes only an explicit retry.
  SELECT 'event-numbers', t.id, format('task counts %s events, history has %s up to number %s', t.events, count(e.number), max(e.number))
  FROM lovage.task t LEFT JOIN lovage.task_event e ON e.task_id = t.id
  GROUP BY t.id
  HAVING t.events <> count(e.number) OR t.events <> coalesce(max(e.number), 0)
  UNION ALL
  SELECT 'event-numbers', f.task_id, format('event %s (%s) comes after the final event', f.number, f.type)
  FROM (SELECT e.task_id, e.number, e.type, lag(e.type) OVER (PARTITION BY e.task_id ORDER BY e.number) AS type_before
        FROM lovage.task_event e) f
  WHERE f.type_before IN ('succeeded', 'failed', 'cancelled', 'expired') AND f.type NOT IN ('requeued', 'webhook', 'archived')
  UNION ALL
  SELECT 'event-numbers', t.id, format('task is %s but its last transition says %s', t.state, e.type)
  FROM lovage.task t JOIN lovage.task_event e ON e.task_id = t.id AND e.number = t.events
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
$$;
--> statement-breakpoint
-- Mends what no trigger saw: triggers switched off, a table dropped, a restore. Safe beside live workers, and to
-- repeat. Returns one row per mend.
CREATE FUNCTION lovage.reconcile() RETURNS TABLE (mended text, task_id uuid)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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
           AND (t.state::text <> CASE j.state WHEN 'created' THEN CASE t.state WHEN 'waiting' THEN 'waiting' ELSE 'queued' END
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
    DELETE FROM lovage.task_result r WHERE NOT EXISTS (SELECT FROM lovage.task t WHERE t.id = r.task_id AND t.state = 'succeeded')
    RETURNING r.task_id AS id)
  SELECT array_agg(id) INTO ids FROM gone;
  RETURN QUERY SELECT 'removed a result without a success', unnest(ids);

  PERFORM set_config('lovage.reconciling', '', true), set_config('lovage.actor', '', true), set_config('lovage.reason', '', true);
END
$$;
--> statement-breakpoint
-- Functions run with their owner's rights, and PUBLIC may execute what nobody revokes: who may read tasks may not
-- therefore make, cancel or settle them. Triggers need no such right.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA lovage FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION lovage.setting(text), lovage.actor(), lovage.is_final(lovage.task_state), lovage.uuid_v7() TO PUBLIC;
