import type { Lovage } from '../lovage.ts';
import { listQueueDepths } from '../queues/list.ts';
import type { StatsView } from '../wire/stats.ts';

/** Of history no more is read: under load they tell of less than a minute. */
const LINES_AT_MOST = 10_000;

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
  const queues = await listQueueDepths({ pool });
  const { rows } = await pool.query<StatsRow>({
    name: 'lovage_stats',
    text: `SELECT now() AS at, r.*, w.*
           FROM (
             SELECT greatest(0.001, extract(epoch FROM now() - coalesce(min(l.known_since), now() - interval '1 minute')))::float8 AS seconds,
                    count(*) FILTER (WHERE l.type = 'succeeded')::int AS succeeded, count(*) FILTER (WHERE l.type = 'failed')::int AS failed,
                    count(*) FILTER (WHERE l.type = 'cancelled')::int AS cancelled, count(*) FILTER (WHERE l.type = 'expired')::int AS expired,
                    count(*) FILTER (WHERE l.type = 'retrying')::int AS retried, count(*) FILTER (WHERE l.type = 'crashed')::int AS crashed
             FROM lovage.newest_lines('1 minute', $1) l) r
           CROSS JOIN (
             SELECT count(*) FILTER (WHERE w.lives AND NOT w.ends)::int AS live, count(*) FILTER (WHERE w.lives AND w.ends)::int AS draining,
                    count(*) FILTER (WHERE NOT w.lives)::int AS lost,
                    coalesce(sum(w.slots) FILTER (WHERE w.lives AND NOT w.ends), 0)::int AS slots
             FROM (
               SELECT w.slots, w.draining OR w.drain_requested_at IS NOT NULL AS ends,
                      w.lost_at IS NULL AND w.heartbeat_at > now() - interval '15 s' AS lives
               FROM lovage.worker w
               WHERE w.stopped_at IS NULL AND coalesce(w.lost_at, w.heartbeat_at) > now() - interval '15 minutes') w) w`,
    values: [LINES_AT_MOST],
  });
  const [row] = rows;
  if (!row) throw new Error('an aggregate returned nothing');
  const { at, seconds, retried, crashed, live, draining, lost, slots, ...ended } = row;
  return {
    at: at.toISOString(),
    queues,
    recent: { seconds, ended, retried, crashed },
    workers: { live, draining, lost, slots },
  };
}
