import type { Lovage } from '../lovage.ts';
import { listQueues } from '../queues/list.ts';
import type { StatsView } from '../wire/stats.ts';

interface StatsRow {
  at: Date;
  seconds: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  expired: number;
  retried: number;
  crashed: number;
  live: number;
  draining: number;
  lost: number;
  slots: number;
}

/** Queues, workers and what happened in the last minute, in a time that does not grow with what there is. */
export async function getStats({ pool }: Pick<Lovage, 'pool'>): Promise<StatsView> {
  const { items } = await listQueues({ pool });
  const { rows: oldest } = await pool.query<{ queue: string; since: Date | null }>({
    name: 'lovage_stats_oldest',
    text: 'SELECT q.queue, lovage.oldest_ready(q.queue) AS since FROM unnest($1::text[]) q (queue)',
    values: [items.map(({ name }) => name)],
  });
  const since = new Map(oldest.map((row) => [row.queue, row.since?.toISOString() ?? null]));
  const { rows } = await pool.query<StatsRow>({
    name: 'lovage_stats',
    text: `SELECT now() AS at, r.*,
                  count(w) FILTER (WHERE w.lives AND NOT w.ends)::int AS live,
                  count(w) FILTER (WHERE w.lives AND w.ends)::int AS draining,
                  count(w) FILTER (WHERE NOT w.lives)::int AS lost,
                  coalesce(sum(w.slots) FILTER (WHERE w.lives AND NOT w.ends), 0)::int AS slots
           FROM lovage.recent_ends() r
           LEFT JOIN (
             SELECT w.slots, w.draining OR w.drain_requested_at IS NOT NULL AS ends,
                    w.lost_at IS NULL AND w.heartbeat_at > now() - interval '15 s' AS lives
             FROM lovage.worker w
             WHERE w.stopped_at IS NULL AND coalesce(w.lost_at, w.heartbeat_at) > now() - interval '15 minutes') w ON true
           GROUP BY r.seconds, r.succeeded, r.failed, r.cancelled, r.expired, r.retried, r.crashed`,
  });
  const [row] = rows;
  if (!row) throw new Error('lovage.recent_ends() returned nothing');
  const { at, seconds, retried, crashed, live, draining, lost, slots, ...ended } = row;
  return {
    at: at.toISOString(),
    queues: items.map((queue) => ({ ...queue, oldestReadyAt: since.get(queue.name) ?? null })),
    recent: { seconds, ended, retried, crashed },
    workers: { live, draining, lost, slots },
  };
}
