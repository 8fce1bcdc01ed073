import { setTimeout as pause } from 'node:timers/promises';
import { below, type Bench, type Section } from '../bench.ts';
import { startProgram } from '../contestants/run-program.ts';
import { startWorker } from '../measure/deployment.ts';
import { withClient } from '../measure/postgres-server.ts';
import { figure, spread, summarize } from '../measure/statistics.ts';
import { until } from '../measure/until.ts';
import { tapWire, type WireTap } from '../measure/wire-tap.ts';

const BAR = 5;
const WINDOWS = 3;
const SETTLE_MS = 3_000;

export const idle: Section = {
  name: 'idle',
  title: 'Statements that an idle worker with ten queues sends to Postgres',
  async run(bench) {
    await using database = await bench.server.clone();
    await using others = await bench.server.clone();
    await using tap = await tapWire(database.url);
    await using othersTap = await tapWire(others.url);
    await using worker = startWorker(tap.url);
    await using boss = startProgram('pg-boss-idle', [othersTap.url]);
    await boss.during(boss.spoken);
    await worker.during(
      until('the worker', () => servesTenQueues(database.url), { withinMs: 30_000, everyMs: 100 }),
    );
    await pause(SETTLE_MS);

    const transactionsBefore = await countTransactions(bench.server.url, database.name);
    const { seconds, seen } = await boss.during(worker.during(watch(bench, [tap, othersTap])));
    const transactions = (await countTransactions(bench.server.url, database.name)) - transactionsBefore;

    const [rates = [], otherRates = []] = seen.map((windows) =>
      windows.map(({ length }) => (length * WINDOWS) / seconds),
    );
    const print = (what: string, text: string) => bench.print(`  ${what.padEnd(38)} ${text}`);
    bench.print(`${seconds} s side by side, counted on the wire`);
    print('Lovage: a worker, ten queues', `${spread(rates)} statements/s, ${tap.connections()} connections`);
    for (const [text, { length }] of byText(seen[0]?.flat() ?? [])) {
      bench.print(`    ${figure(length / seconds)}/s  ${text}`);
    }
    print('  as pg_stat_database counts', `${figure(transactions / seconds)} transactions/s`);
    print(
      'pg-boss by default: work() on ten',
      `${spread(otherRates)} statements/s, ${othersTap.connections()} connections`,
    );
    const summary = summarize(rates);
    return [
      { what: 'idle, ten queues', ...summary, unit: ' statements/s', bar: below(BAR, summary.value, '/s') },
    ];
  },
};

/** The statements that pass each tap, window by window. */
async function watch({ isQuick, progress }: Bench, taps: readonly WireTap[]) {
  const seconds = isQuick ? 10 : 30;
  const seen = taps.map((): (readonly string[])[] => []);
  for (let window = 1; window <= WINDOWS; window += 1) {
    progress.say(`idle: third ${window} of ${seconds} s`);
    for (const tap of taps) tap.forget();
    await pause((seconds * 1000) / WINDOWS);
    for (const [index, tap] of taps.entries()) seen[index]?.push(tap.statements());
  }
  return { seconds, seen };
}

const servesTenQueues = (url: string) =>
  withClient(url, async (client) => {
    const { rows } = await client.query<{ n: number }>('SELECT cardinality(queues) AS n FROM lovage.worker');
    return rows[0]?.n === 10;
  });

/** Asked from another database, so that asking does not count. */
const countTransactions = (serverUrl: string, database: string) =>
  withClient(serverUrl, async (client) => {
    const { rows } = await client.query<{ n: number }>(
      'SELECT (xact_commit + xact_rollback)::float8 AS n FROM pg_stat_database WHERE datname = $1',
      [database],
    );
    return rows[0]?.n ?? 0;
  });

/** Most frequent first. */
const byText = (texts: readonly string[]) =>
  [...Map.groupBy(texts, (text) => text.replaceAll(/\s+/g, ' ').slice(0, 80))].sort(
    ([, one], [, other]) => other.length - one.length,
  );
