import { userInfo } from 'node:os';
import { openLovage } from '../../open.ts';
import { startWorker } from '../../worker/start.ts';
import { type Figures, measureDrain, measureEnqueue, measureLatency } from '../bench/measure.ts';
import { openBenchQueue, removeBenchQueue, removeLeftovers, withBench } from '../bench/queue.ts';
import { defineCommand } from '../command.ts';
import { connectOptions } from '../open-options.ts';
import { callerOf } from '../operations.ts';
import { JSON_FLAG, whole } from '../options.ts';
import { print } from '../print.ts';
import { withSession } from '../session.ts';
import { firstSignal } from '../signals.ts';
import { table } from '../table.ts';
import { version } from '../version.ts';

const INTERRUPTED = 130;

export const bench = defineCommand({
  name: 'bench',
  summary:
    'Measures this installation: a queue of its own, tasks that do nothing, and all of it gone afterwards',
  options: {
    tasks: whole('N', 'so many tasks (default 2000)', [1, 100_000]),
    concurrency: whole('N', 'attempts at a time (default 20)', [1, 1_000]),
    ...JSON_FLAG,
  },
  examples: ['bench', 'bench --tasks 20000 --concurrency 100 --json'],
  notes: [
    'Goes to the database, never to the API. One worker runs, in this process; what others do meanwhile slows it down.',
  ],
  run({ tasks: count = 2_000, concurrency: slots = 20, json }) {
    const stopped = firstSignal();
    return withSession(
      async (session) => {
        const { queue, task, config } = withBench(session.config);
        const { url, directUrl } = session.database;
        const connection = connectOptions({ ...session, config });
        const lovage = await openLovage({ ...connection, queryTimeoutMs: 60_000 });
        const caller = callerOf(userInfo().username);
        let worker: Awaited<ReturnType<typeof startWorker>> | undefined;
        const measure = async (): Promise<Figures> => {
          const enqueuedPerSecond = await measureEnqueue(lovage, caller, task, count);
          const { configFile } = session.settings;
          const options = { ...connection, configFile, queues: [queue], slots, version: version() };
          worker = await startWorker(options);
          const drainedPerSecond = await measureDrain(lovage, queue, count);
          return {
            tasks: count,
            enqueuedPerSecond,
            drainedPerSecond,
            ...(await measureLatency(lovage, caller, task)),
          };
        };
        try {
          await removeLeftovers(lovage);
          await openBenchQueue(directUrl ?? url, config, queue);
          const figures = await Promise.race([measure(), stopped.then(() => undefined)]);
          if (figures === undefined) return INTERRUPTED;
          print({ json }, figures, () => describe(figures));
          return 0;
        } finally {
          await worker?.drain(0);
          await removeBenchQueue(lovage.pool, queue);
          await lovage.close();
        }
      },
      { logLevel: 'error' },
    );
  },
});

function describe({ tasks, enqueuedPerSecond, drainedPerSecond, start, roundTrip }: Figures): string {
  const ms = (value: number) => `${value} ms`;
  const row = (what: string, { p50, p95, p99 }: Figures['start']) => ({
    latency: what,
    p50: ms(p50),
    p95: ms(p95),
    p99: ms(p99),
  });
  return [
    `${tasks} tasks: ${Math.round(enqueuedPerSecond)} enqueued a second, ${Math.round(drainedPerSecond)} run a second by one worker`,
    '',
    table([row('commit to start', start), row('call to result', roundTrip)]),
  ].join('\n');
}
