import { below, type Bench, type Claim } from '../bench.ts';
import { figure, median, percentile, summarize } from '../measure/statistics.ts';
import { openSystems, type Systems } from './deployment.ts';
import { prepareRequests, type SystemRequest } from './requests.ts';
import { timed } from './timed.ts';

const BARS_MS: Record<string, number> = {
  'retros: a sync': 3_000,
  'retros: a report': 5_000,
  'retros: a clean-up': 1_000,
  'visuals: a PDF export': 2_000,
  'filings: a 10-K of 2 MB': 5_000,
};
const CLIENTS = 32;
const CROWD_BAR_MS = 2_000;
const BUSY_MS = 10_000;
const CROWD_MARGIN_MS = 100;

/** How long each kind of task takes from the request to its result, one at a time; then what many clients get beside work. */
export async function measureWork(bench: Bench): Promise<Claim[]> {
  await using systems = await openSystems(bench);
  await using worker = systems.startWorker();
  const requests = await prepareRequests(systems);
  const claims: Claim[] = [];
  for (const request of requests) claims.push(...(await worker.during(measureOne(bench, systems, request))));
  return [...claims, ...(await worker.during(measureCrowd(bench, systems, requests)))];
}

async function measureOne(bench: Bench, { post }: Systems, { what, whole }: SystemRequest): Promise<Claim[]> {
  bench.progress.say(`systems: ${what}, to its end`);
  const ms: number[] = [];
  for (let n = -1; n < bench.rounds; n += 1) {
    const took = await timed(() => post(whole.path, whole.body));
    if (n >= 0) ms.push(took);
  }
  bench.print(`  ${what.padEnd(26)} done in ${figure(median(ms))} ms`);
  const barMs = BARS_MS[what];
  if (barMs === undefined) return [];
  const measured = summarize(ms);
  return [
    {
      what: `${what}, request to result`,
      ...measured,
      unit: ' ms',
      bar: below(barMs, measured.value, ' ms'),
    },
  ];
}

/** Submissions of many clients at once, while a task of ten seconds keeps a CPU busy. */
async function measureCrowd(
  bench: Bench,
  { post, client }: Systems,
  requests: readonly SystemRequest[],
): Promise<Claim[]> {
  bench.progress.say('systems: many clients beside work');
  const busy = await client.enqueue('diag.spin', { ms: BUSY_MS });
  const submit = requests.filter(({ what }) => !what.includes('10-K') && !what.includes('index'));
  const alone: number[] = [];
  for (const { start } of submit) alone.push(await timed(() => post(start.path, start.body)));
  const ms = await Promise.all(
    Array.from({ length: CLIENTS }, (_, n) => submit[n % submit.length]).map((request) =>
      timed(() => post(request?.start.path ?? '', request?.start.body)),
    ),
  );
  await client.wait(busy.id);
  const [p50Alone, p95] = [median(alone), percentile(ms, 0.95)];
  return [
    {
      what: 'a task accepted beside 10 s of CPU work, p50',
      ...summarize(alone),
      unit: ' ms',
      bar: below(CROWD_MARGIN_MS, p50Alone, ' ms'),
    },
    {
      what: `the same of ${CLIENTS} clients at once, p95`,
      ...summarize(ms),
      value: p95,
      unit: ' ms',
      bar: below(CROWD_BAR_MS, p95, ' ms'),
    },
  ];
}
