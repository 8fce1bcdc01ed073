import { below, type Bench, type Claim } from '../bench.ts';
import { figure, median, percentile, summarize } from '../measure/statistics.ts';
import { openSystems } from './deployment.ts';
import { prepareRequests } from './requests.ts';
import { timed } from './timed.ts';

const MEDIAN_BAR_MS = 50;
const TAIL_BAR_MS = 100;
const WARM_UP = 5;
const LARGE_BYTES = 1_000_000;

/** Milliseconds, one of each for each kind of task. */
interface Taken {
  medians: number[];
  tails: number[];
}

/** How soon each kind of task is accepted. No worker takes them: what is measured is the answer. */
export async function measureSubmissions(bench: Bench): Promise<Claim[]> {
  await using systems = await openSystems(bench);
  const count = bench.isQuick ? 10 : 60;
  const small: Taken = { medians: [], tails: [] };
  const large: Taken = { medians: [], tails: [] };
  for (const { what, start } of await prepareRequests(systems)) {
    bench.progress.say(`systems: ${what}, submitted`);
    // What is measured is the server, not how this process makes a text of two megabytes.
    const body = Buffer.from(JSON.stringify(start.body));
    const ms: number[] = [];
    for (let n = -WARM_UP; n < count; n += 1) {
      const took = await timed(() => systems.post(start.path, body));
      if (n >= 0) ms.push(took);
    }
    const [p50, p95] = [median(ms), percentile(ms, 0.95)];
    bench.print(`  ${what.padEnd(26)} accepted in p50 ${figure(p50)} ms, p95 ${figure(p95)} ms`);
    const taken = body.length > LARGE_BYTES ? large : small;
    taken.medians.push(p50);
    taken.tails.push(p95);
  }
  return [
    worst('a task accepted, p50, the slowest kind', small.medians, MEDIAN_BAR_MS),
    worst('a task accepted, p95, the slowest kind', small.tails, TAIL_BAR_MS),
    worst('a body of 2 MB accepted, p50, the slower kind', large.medians, MEDIAN_BAR_MS),
    worst('a body of 2 MB accepted, p95, the slower kind', large.tails, TAIL_BAR_MS),
  ];
}

function worst(what: string, ms: readonly number[], barMs: number): Claim {
  const { min, max } = summarize(ms);
  return { what, value: max, min, max, unit: ' ms', bar: below(barMs, max, ' ms') };
}
