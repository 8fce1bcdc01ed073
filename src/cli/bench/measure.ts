import type { Lovage } from '../../lovage.ts';
import { enqueueTask } from '../../tasks/enqueue.ts';
import { waitForTask } from '../../tasks/wait.ts';
import type { Caller } from '../../wire.ts';

/** Milliseconds. */
export interface Latency {
  p50: number;
  p95: number;
  p99: number;
}

export interface Figures {
  tasks: number;
  enqueuedPerSecond: number;
  drainedPerSecond: number;
  /** From the commit of one task, with nothing else to do, to its start. */
  start: Latency;
  /** Of the same, from the call to the known result. */
  roundTrip: Latency;
}

const IN_FLIGHT = 50;
const LATENCY_TASKS = 50;
const POLL_MS = 20;

/** Sends while no worker runs. */
export async function measureEnqueue(
  lovage: Lovage,
  caller: Caller,
  name: string,
  count: number,
): Promise<number> {
  const from = performance.now();
  let left = count;
  const send = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await enqueueTask(lovage, caller, { name, input: {} });
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count) }, send));
  return count / seconds(from);
}

/** Until nothing of the queue is left, from the moment that a worker was there. */
export async function measureDrain({ pool }: Lovage, queue: string, count: number): Promise<number> {
  const from = performance.now();
  for (;;) {
    const { rows } = await pool.query('SELECT FROM pgboss.job WHERE name = $1 AND state < $2 LIMIT 1', [
      queue,
      'completed',
    ]);
    if (rows.length === 0) return count / seconds(from);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** One task after another, with a worker that has nothing else to do. */
export async function measureLatency(
  lovage: Lovage,
  caller: Caller,
  name: string,
): Promise<Pick<Figures, 'start' | 'roundTrip'>> {
  const [starts, trips]: [number[], number[]] = [[], []];
  for (let round = 0; round < LATENCY_TASKS; round += 1) {
    const from = performance.now();
    const { id } = await enqueueTask(lovage, caller, { name, input: {} });
    const task = await waitForTask(lovage, caller, id, { timeoutMs: 30_000 });
    trips.push(performance.now() - from);
    starts.push(Date.parse(task.startedAt ?? task.createdAt) - Date.parse(task.createdAt));
  }
  return { start: spread(starts), roundTrip: spread(trips) };
}

const seconds = (from: number): number => (performance.now() - from) / 1_000;

function spread(values: readonly number[]): Latency {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

const round = (ms: number): number => Math.round(ms * 10) / 10;
