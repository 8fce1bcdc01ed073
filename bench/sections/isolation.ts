import { createClient } from 'lovage/client';
import { below, type Section } from '../bench.ts';
import type config from '../lovage.config.ts';
import { startApi, startWorker } from '../measure/deployment.ts';
import { withClient } from '../measure/postgres-server.ts';
import { figure, median, percentile, summarize } from '../measure/statistics.ts';

const BAR_MS = 3;
const WARM_UP = 20;

export const isolation: Section = {
  name: 'isolation',
  title: 'What a warm child process costs a task: from its claim to its end, beside the same task inline',
  async run(bench) {
    await using database = await bench.server.clone();
    await using worker = startWorker(database.url);
    await using api = await startApi(database.url);
    const client = createClient<typeof config>({ url: api.url, apiKey: api.rootKey });
    const count = bench.isQuick ? 40 : 300;
    const names = ['clock.inline', 'clock.process'] as const;
    const runs = async () => {
      for (let n = -WARM_UP; n < count; n += 1) {
        if (n % 20 === 0) bench.progress.say(`isolation: ${Math.max(0, n)} of ${count} tasks each`);
        for (const name of n % 2 ? names : names.toReversed()) {
          await client.run(name, {}, n < 0 ? {} : { tags: ['measured'] });
        }
      }
    };
    await worker.during(runs());

    const ms = await withClient(database.url, async (session) => {
      const { rows } = await session.query<{ name: string; ms: number }>(
        `SELECT name, (extract(epoch FROM finished_at - started_at) * 1000)::float8 AS ms
         FROM lovage.task WHERE tags = '{measured}'`,
      );
      return Map.groupBy(rows, ({ name }) => name);
    });
    const of = (name: string) => (ms.get(name) ?? []).map((row) => row.ms);
    for (const name of names) {
      bench.print(
        `  ${name.padEnd(16)} p50 ${figure(median(of(name)))} ms, p95 ${figure(percentile(of(name), 0.95))} ms`,
      );
    }
    const inline = median(of('clock.inline'));
    const over = of('clock.process').map((each) => each - inline);
    const { value, min, max } = summarize(over);
    return [
      {
        what: 'a process task over an inline one, p50',
        value,
        min,
        max,
        unit: ' ms',
        bar: below(BAR_MS, value, ' ms'),
      },
    ];
  },
};
