import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { atLeast, below, type Bench, type Claim, type Section } from '../bench.ts';
import { startProgram } from '../contestants/run-program.ts';
import { startApi, type Api } from '../measure/deployment.ts';
import { freePort } from '../measure/free-port.ts';
import { startProcess } from '../measure/process.ts';
import { untilReady } from '../measure/lovage-process.ts';
import { figure, median, summarize } from '../measure/statistics.ts';

const CONNECTIONS = 64;
const RATIO_BAR = 3;
const P99_BAR_MS = 50;

interface Load {
  rate: number;
  p50: number;
  p99: number;
}

export const enqueue: Section = {
  name: 'enqueue',
  title: `Enqueues over HTTP at ${CONNECTIONS} connections: commits shared, and one a request`,
  async run(bench) {
    const seconds = bench.isQuick ? 3 : 8;
    const rates: { shared: number[]; single: number[] } = { shared: [], single: [] };
    const halves: Load[] = [];
    for (let round = 1; round <= bench.rounds; round += 1) {
      const single = await onServer(bench, startOneByOne, (api) => full(bench, api, { round, seconds }));
      rates.single.push(single);
      const { shared, half } = await onServer(bench, startApi, async (api) => {
        const rate = await full(bench, api, { round, seconds });
        bench.progress.say(`enqueue: round ${round}, at half the rate`);
        return { shared: rate, half: await load(api, seconds, Math.round(rate / 2)) };
      });
      rates.shared.push(shared);
      halves.push(half);
      bench.print(
        `  round ${round}: ${figure(shared)}/s shared, ${figure(single)}/s one by one; at half the rate p50 ${figure(half.p50)} ms, p99 ${figure(half.p99)} ms`,
      );
    }
    return claimsOf(rates, halves);
  },
};

function claimsOf(rates: { shared: number[]; single: number[] }, halves: Load[]): Claim[] {
  const ratios = rates.shared.map((rate, round) => rate / (rates.single[round] ?? NaN));
  const ratio = median(ratios);
  const p99 = summarize(halves.map((half) => half.p99));
  return [
    {
      what: `enqueues over HTTP, shared commits against one a request (${figure(median(rates.shared))}/s)`,
      ...summarize(ratios),
      unit: '×',
      bar: atLeast(RATIO_BAR, ratio, '×'),
    },
    { what: 'enqueue at half that rate, p99', ...p99, unit: ' ms', bar: below(P99_BAR_MS, p99.value, ' ms') },
  ];
}

async function onServer<Result>(
  bench: Bench,
  start: (databaseUrl: string) => Promise<Api>,
  measure: (api: Api) => Promise<Result>,
): Promise<Result> {
  await using database = await bench.server.clone();
  await using api = await start(database.url);
  // Until the compiler has seen it all.
  await load(api, 2, 0);
  return await measure(api);
}

async function full(bench: Bench, api: Api, { round, seconds }: { round: number; seconds: number }) {
  bench.progress.say(`enqueue: round ${round}, as fast as it goes`);
  return (await load(api, seconds, 0)).rate;
}

const load = async ({ url, rootKey }: Api, seconds: number, rate: number): Promise<Load> =>
  JSON.parse(await startProgram('http-load', [url, rootKey, CONNECTIONS, seconds, rate]).finished) as Load;

async function startOneByOne(databaseUrl: string): Promise<Api> {
  const port = await freePort();
  const rootKey = randomBytes(24).toString('base64url');
  const file = fileURLToPath(new URL('../contestants/enqueue-one-by-one.ts', import.meta.url));
  const program = startProcess(['--conditions=lovage-source', file, databaseUrl, rootKey, String(port)]);
  const url = `http://127.0.0.1:${port}`;
  await untilReady(url, program);
  return { url, rootKey, pid: program.pid, [Symbol.asyncDispose]: () => program.stop() };
}
