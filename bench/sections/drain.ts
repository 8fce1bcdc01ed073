import { atLeast, type Bench, type Claim, type Section } from '../bench.ts';
import { drainByLovage, SLOTS } from '../contestants/lovage-drain.ts';
import { runProgram } from '../contestants/run-program.ts';
import { spread, summarize } from '../measure/statistics.ts';

const WORK_BAR = 100;
const BARE_BAR = 0.7;

/**
 * How many tasks a comparison drains, and how many each side drains before, unmeasured: in its first second a worker also starts
 * its warm child, on the same cores.
 */
const sizes = (isQuick: boolean) =>
  isQuick
    ? { work: 100, bare: 3_000, warmUp: 300, workWarmUp: 20 }
    : { work: 1_000, bare: 20_000, warmUp: 10_000, workWarmUp: 40 };

export const drain: Section = {
  name: 'drain',
  title: `Draining a backlog of no-ops: Lovage at ${SLOTS} slots, with full history and results`,
  async run(bench) {
    const { work, bare, warmUp, workWarmUp } = sizes(bench.isQuick);
    const overWork = await compare(bench, {
      tasks: work,
      other: 'pg-boss work(), batch 1, 20 workers',
      lovage: (url) => drainByLovage({ url, warmUp, tasks: work }),
      compared: (url) => runProgram('pg-boss-work', [url, workWarmUp, work]),
    });
    const overBare = await compare(bench, {
      tasks: bare,
      other: 'bare fetch/complete, batch 100',
      lovage: (url) => drainByLovage({ url, warmUp, tasks: bare }),
      compared: (url) => runProgram('bare-loop', [url, warmUp, bare]),
    });
    return [
      claim(`drain, times work() (${work} tasks)`, overWork, WORK_BAR),
      claim(`drain, times a bare loop (${bare} tasks)`, overBare, BARE_BAR),
    ];
  },
};

interface Comparison {
  tasks: number;
  other: string;
  /** Tasks a second, in the database of that URL. */
  lovage: (url: string) => Promise<number>;
  compared: (url: string) => Promise<number>;
}

/** The ratio of each round; each side runs alone, in a fresh database, and they take turns at going first. */
async function compare(bench: Bench, { tasks, other, lovage, compared }: Comparison): Promise<number[]> {
  const rates = { lovage: [] as number[], compared: [] as number[] };
  const sides = [
    { name: 'Lovage', rates: rates.lovage, run: lovage },
    { name: other, rates: rates.compared, run: compared },
  ];
  for (let round = 1; round <= bench.rounds; round += 1) {
    for (const side of round % 2 ? sides : sides.toReversed()) {
      bench.progress.say(`drain ${round}/${bench.rounds}: ${tasks} tasks by ${side.name}`);
      await using database = await bench.server.clone();
      side.rates.push(await side.run(database.url));
    }
  }
  bench.print(`${tasks} tasks`);
  for (const side of sides) bench.print(`  ${side.name.padEnd(38)} ${spread(side.rates)} tasks/s`);
  return rates.lovage.map((rate, round) => rate / (rates.compared[round] ?? NaN));
}

function claim(what: string, ratios: number[], bar: number): Claim {
  const summary = summarize(ratios);
  return { what, ...summary, unit: '×', bar: atLeast(bar, summary.value, '×') };
}
