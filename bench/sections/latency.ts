import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from 'lovage/client';
import { below, type Section } from '../bench.ts';
import { openRawPickup } from '../contestants/raw-pickup.ts';
import type config from '../lovage.config.ts';
import { startApi, startWorker } from '../measure/deployment.ts';
import { withClient } from '../measure/postgres-server.ts';
import { figure, median, percentile } from '../measure/statistics.ts';
import { until } from '../measure/until.ts';

const BAR_MS = 10;
const WARM_UP = 20;

interface Sample {
  id: string;
  /** On the machine's monotonic clock. */
  calledAtNs: bigint;
  answeredMs: number;
}

export const latency: Section = {
  name: 'latency',
  title: 'From a client calling enqueue to the first line of the handler, on an idle system',
  async run(bench) {
    await using database = await bench.server.clone();
    await using worker = startWorker(database.url);
    await using api = await startApi(database.url);
    await using raw = await openRawPickup(database.url);
    const client = createClient<typeof config>({ url: api.url, apiKey: api.rootKey });

    const samples: Sample[] = [];
    const rawMs: number[] = [];
    const count = bench.isQuick ? 40 : 200;
    for (let n = -WARM_UP; n < count; n += 1) {
      if (n % 20 === 0) bench.progress.say(`latency: ${Math.max(0, n)} of ${count} tasks`);
      const calledAtNs = process.hrtime.bigint();
      const { id } = await client.enqueue('clock.stamp', {});
      const answeredMs = Number(process.hrtime.bigint() - calledAtNs) / 1e6;
      await pause(50 + Math.random() * 100);
      const took = await raw.sample();
      await pause(50 + Math.random() * 100);
      if (n >= 0) {
        samples.push({ id, calledAtNs, answeredMs });
        rawMs.push(took);
      }
    }

    const { stamps, databaseMs } = await worker.during(readStamps(database.url, count + WARM_UP));
    const handlerMs = samples.map(({ id, calledAtNs }) => Number((stamps.get(id) ?? 0n) - calledAtNs) / 1e6);
    const answerMs = samples.map(({ answeredMs }) => answeredMs);
    const print = (what: string, ms: number[]) =>
      bench.print(
        `  ${what.padEnd(46)} p50 ${figure(median(ms))} ms, p95 ${figure(percentile(ms, 0.95))} ms`,
      );
    bench.print(`${count} tasks, one at a time, random gaps; client, API and worker are three processes`);
    print('call → handler, over tRPC', handlerMs);
    print('call → answer: committed', answerMs);
    print('accepted → claimed, by the database’s clock', databaseMs);
    print('the least: insert, notify, take, in raw SQL', rawMs);
    bench.print(`  call → handler is ${figure(median(handlerMs) / median(rawMs))} times the least (p50)`);

    const value = median(handlerMs);
    const [min, max] = [Math.min(...handlerMs), Math.max(...handlerMs)];
    return [
      { what: 'enqueue to handler, p50', value, min, max, unit: ' ms', bar: below(BAR_MS, value, ' ms') },
    ];
  },
};

/** When each handler began, by task; waits until all have ended. */
async function readStamps(url: string, tasks: number) {
  return withClient(url, async (client) => {
    const rows = await until(
      `the end of ${tasks} tasks`,
      async () => {
        const { rows } = await client.query<{ id: string; ns: string; ms: number }>(
          `SELECT t.id, r.output ->> 'startedAtNs' AS ns, extract(epoch FROM t.started_at - t.created_at)::float8 * 1000 AS ms
           FROM lovage.task t JOIN lovage.task_result r ON r.task_id = t.id`,
        );
        return rows.length === tasks && rows;
      },
      { withinMs: 10_000, everyMs: 100 },
    );
    return {
      stamps: new Map(rows.map(({ id, ns }) => [id, BigInt(ns)])),
      databaseMs: rows.map(({ ms }) => ms),
    };
  });
}
