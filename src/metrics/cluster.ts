import { setTimeout as wait } from 'node:timers/promises';
import { Gauge, Registry } from 'prom-client';
import type { Executor } from '../db/connect.ts';
import { readCluster, type ClusterNumbers, type QueueNumbers } from './read-cluster.ts';

/** However often and by however many it is asked, Postgres is asked no more often. */
const FRESH_MS = 3_000;
/** Who scrapes waits no longer than this: Postgres counts as away then. */
const PATIENCE_MS = 2_000;

/** What only the database knows, the same in every process: PromQL takes `max by (queue)`. */
export class ClusterMetrics {
  readonly registry = new Registry();
  readonly #executor: Executor;
  readonly #shown: { gauge: Gauge; fill: (numbers: ClusterNumbers) => void }[] = [];
  #reading: { at: number; numbers: Promise<ClusterNumbers | null> } | undefined;

  constructor(executor: Executor) {
    this.#executor = executor;
    for (const [name, help, read] of PLAIN)
      this.#show(name, help, [], (gauge, numbers) => gauge.set(read(numbers)));
    this.#show('lovage_workers', 'Workers; lost ones of the last 15 minutes', ['state'], (gauge, numbers) => {
      gauge.set({ state: 'live' }, numbers.workers_live);
      gauge.set({ state: 'draining' }, numbers.workers_draining);
      gauge.set({ state: 'lost' }, numbers.workers_lost);
    });
    for (const [name, help, labels, fill] of BY_QUEUE)
      this.#show(name, help, ['queue', ...labels], (gauge, { queues }) => {
        for (const queue of queues) fill(gauge, queue);
      });
  }

  /** False while Postgres is away: then what is in the registry is old. Never rejects. */
  async refresh(): Promise<boolean> {
    const numbers = await this.#read();
    if (numbers === null) return false;
    for (const { gauge, fill } of this.#shown) {
      gauge.reset();
      fill(numbers);
    }
    return true;
  }

  #show(
    name: string,
    help: string,
    labelNames: string[],
    fill: (gauge: Gauge, numbers: ClusterNumbers) => void,
  ): void {
    const gauge = new Gauge({ name, help, labelNames, registers: [this.registry] });
    this.#shown.push({ gauge, fill: (numbers) => fill(gauge, numbers) });
  }

  async #read(): Promise<ClusterNumbers | null> {
    const now = performance.now();
    if (this.#reading === undefined || now - this.#reading.at > FRESH_MS) {
      this.#reading = { at: now, numbers: this.#ask() };
    }
    return within(PATIENCE_MS, this.#reading.numbers);
  }

  async #ask(): Promise<ClusterNumbers | null> {
    try {
      return await readCluster(this.#executor);
    } catch {
      // That there was no answer is not remembered.
      this.#reading = undefined;
      return null;
    }
  }
}

const PLAIN: readonly [name: string, help: string, read: (numbers: ClusterNumbers) => number][] = [
  ['lovage_worker_slots', 'Attempts that all live workers run at a time', (n) => n.slots],
  ['lovage_waiting_tasks', 'Tasks that wait for their children, counted up to 10,000', (n) => n.waiting],
  ['lovage_schedules_late', 'Schedules that are 30 seconds past their time', (n) => n.schedules_late],
  ['lovage_schedule_late_seconds', 'How late the latest of those is', (n) => n.schedule_late_seconds],
  ['lovage_webhook_backlog', 'Webhooks not yet delivered, counted up to 10,000', (n) => n.webhook_backlog],
  [
    'lovage_oldest_transaction_seconds',
    'Age of the oldest open transaction',
    (n) => n.oldest_transaction_seconds,
  ],
  ['lovage_vacuum_horizon_transactions', 'By how many transactions vacuum is held back', (n) => n.xmin_age],
];

const BY_QUEUE: readonly [
  name: string,
  help: string,
  labels: string[],
  fill: (gauge: Gauge, queue: QueueNumbers) => void,
][] = [
  [
    'lovage_queue_tasks',
    'Tasks of a queue that are not final; those ready are an estimate beyond 10,000',
    ['state'],
    (gauge, { queue, ready, scheduled, running }) => {
      gauge.set({ queue, state: 'ready' }, ready);
      gauge.set({ queue, state: 'scheduled' }, scheduled);
      if (running !== null) gauge.set({ queue, state: 'running' }, running);
    },
  ],
  [
    'lovage_queue_oldest_ready_seconds',
    'For how long the oldest task that could start has waited',
    [],
    (gauge, { queue, oldest_ready_seconds }) => gauge.set({ queue }, oldest_ready_seconds ?? 0),
  ],
  [
    'lovage_queue_paused',
    'Whether a queue is paused',
    [],
    (gauge, { queue, paused }) => gauge.set({ queue }, Number(paused)),
  ],
  [
    'lovage_queue_limit',
    'Limits of a queue: places in all, places for each key, starts a second',
    ['limit'],
    (gauge, { queue, max_running, max_per_key, rate_limit, rate_period_ms }) => {
      if (max_running !== null) gauge.set({ queue, limit: 'concurrency' }, max_running);
      if (max_per_key !== null) gauge.set({ queue, limit: 'per_key' }, max_per_key);
      if (rate_limit !== null && rate_period_ms !== null)
        gauge.set({ queue, limit: 'rate_per_second' }, (rate_limit / rate_period_ms) * 1000);
    },
  ],
];

async function within(ms: number, work: Promise<ClusterNumbers | null>): Promise<ClusterNumbers | null> {
  const late = new AbortController();
  try {
    return await Promise.race([work, wait(ms, null, { signal: late.signal, ref: false }).catch(() => null)]);
  } finally {
    late.abort();
  }
}
