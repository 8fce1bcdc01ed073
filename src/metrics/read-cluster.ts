import type { Executor } from '../db/connect.ts';

export interface QueueNumbers {
  queue: string;
  ready: number;
  scheduled: number;
  /** Null where it cannot be told cheaply. */
  running: number | null;
  oldest_ready_seconds: number | null;
  paused: boolean;
  max_running: number | null;
  max_per_key: number | null;
  rate_limit: number | null;
  rate_period_ms: number | null;
}

export interface ClusterNumbers {
  workers_live: number;
  workers_draining: number;
  workers_lost: number;
  slots: number;
  waiting: number;
  schedules_late: number;
  schedule_late_seconds: number;
  webhook_backlog: number;
  oldest_transaction_seconds: number;
  xmin_age: number;
  queues: QueueNumbers[];
}

/** What all processes together make of the database: one statement, however many tasks there are. */
export async function readCluster(executor: Executor): Promise<ClusterNumbers> {
  const { rows } = await executor.query<{ numbers: ClusterNumbers }>({
    name: 'lovage_metrics',
    text: `SELECT to_jsonb(c) || jsonb_build_object('queues', (
             SELECT coalesce(jsonb_agg(jsonb_build_object(
                      'queue', d.queue, 'ready', d.ready, 'scheduled', d.scheduled, 'running', d.running,
                      'oldest_ready_seconds', greatest(0, extract(epoch FROM now() - d.oldest)), 'paused', q.paused_at IS NOT NULL,
                      'max_running', q.max_running, 'max_per_key', q.max_per_key, 'rate_limit', q.rate_limit,
                      'rate_period_ms', q.rate_period_ms)), '[]')
             FROM lovage.queue_depths() d JOIN lovage.queue_control q ON q.queue = d.queue)) AS numbers
           FROM lovage.cluster_metrics() c`,
  });
  const [row] = rows;
  if (!row) throw new Error('nothing was said about the database');
  return row.numbers;
}
