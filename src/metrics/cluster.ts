import { setTimeout as wait } from 'node:timers/promises';
import { Gauge, Registry } from 'prom-client';
import type { Executor } from '../db/connect.ts';
import { readCluster, type ClusterNumbers, type QueueNumbers } from './read-cluster.ts';

/** However often and by however many it is asked, Postgres is asked no more often. */
const FRESH_MS = 3_000;
/** A look that took long is not repeated before so many times as long. */
const REST = 20;
/** Who scrapes waits no longer than this: Postgres counts as away then. */
const PATIENCE_MS = 2_000;

/** What was asked, and until when its answer is good. */
interface Asked<Answer> {
  until: number;
  answer: Promise<Answer>;
}

/** What only the database knows, the same in every process: PromQL takes `max by (queue)`. */
export class ClusterMetrics {
  readonly registry = new Registry();
  readonly #executor: Executor;
  readonly #shown: { gauge: Gauge; fill: (numbers: ClusterNumbers) => void }[] = [];
  #reading: Asked<ClusterNumbers | null> | undefined;
  #ping: Asked<boolean> | undefined;

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

  /** Brings the registry up to date, unless Postgres says nothing in time: then what is in it is old. Never rejects. */
  async refresh(): Promise<{ isUp: boolean; isFresh: boolean }> {
    // Asked on connections of their own: it may be only slow, or have gone since it told its numbers.
    const [numbers, isUp] = await Promise.all([
      within(PATIENCE_MS, this.#read(), null),
      within(PATIENCE_MS, this.#isUp(), false),
    ]);
    if (numbers === null || !isUp) return { isUp, isFresh: false };
    for (const { gauge, fill } of this.#shown) {
      gauge.reset();
      fill(numbers);
    }
    return { isUp, isFresh: true };
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

  #read(): Promise<ClusterNumbers | null> {
    if (this.#reading === undefined || performance.now() > this.#reading.until)
      this.#reading = { until: Infinity, answer: this.#ask() };
    return this.#reading.answer;
  }

  async #ask(): Promise<ClusterNumbers | null> {
    const startedAt = performance.now();
    const numbers = await readCluster(this.#executor).catch(() => null);
    const tookMs = performance.now() - startedAt;
    // That there was no answer is not remembered.
    if (numbers === null) this.#reading = undefined;
    else if (this.#reading) this.#reading.until = startedAt + Math.max(FRESH_MS, tookMs * REST);
    return numbers;
  }

  #isUp(): Promise<boolean> {
    const now = performance.now();
    if (this.#ping === undefined || now > this.#ping.until) {
      const answer = this.#executor.query('SELECT 1').then(
        () => true,
        () => false,
      );
      this.#ping = { until: now + FRESH_MS, answer };
    }
    return this.#ping.answer;
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

async function within<Value>(ms: number, work: Promise<Value>, otherwise: Value): Promise<Value> {
  const late = new AbortController();
  const over = wait(ms, otherwise, { signal: late.signal, ref: false }).catch(() => otherwise);
  try {
    return await Promise.race([work, over]);
  } finally {
    late.abort();
  }
}
