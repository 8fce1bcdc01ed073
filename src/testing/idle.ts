import type pg from 'pg';

const LOOK_EVERY_MS = 10;

/** Waits until nothing runs and nothing that waits is due. @throws Error naming what is left after `timeoutMs`. */
export async function untilIdle(pool: pg.Pool, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { rows } = await pool.query<{ what: string }>(BUSY);
    if (rows.length === 0) return;
    if (performance.now() > deadline) {
      throw new Error(`still busy after ${timeoutMs} ms: ${rows.map(({ what }) => what).join(', ')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

const BUSY = `
  SELECT format('%s %s is %s', t.name, t.id, t.state) AS what
  FROM pgboss.job j JOIN lovage.task t ON t.id = j.id
  JOIN lovage.queue_control q ON q.queue = j.name AND q.paused_at IS NULL
  WHERE j.state = 'active' OR j.state < 'active' AND NOT j.blocked AND j.start_after <= now()
  UNION ALL
  SELECT format('task %s has ended, and who waits for it does not know', e.task_id) FROM lovage.task_end e
  UNION ALL
  SELECT format('schedule "%s" is due', s.name) FROM lovage.schedule s WHERE s.next_at <= now() AND s.paused_at IS NULL
  LIMIT 5`;
