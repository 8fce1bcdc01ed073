import { execFileSync } from 'node:child_process';
import { atMost, type Section } from '../bench.ts';
import { drainInTurns, SLOTS } from '../contestants/lovage-drain.ts';
import { figure, median, summarize } from '../measure/statistics.ts';

const TURNS = 10;
/** The garbage collector's own breathing. */
const BAR = 1.15;

/** Resident memory of a process in MiB. */
const readRss = (pid: number): number =>
  Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024;

export const memory: Section = {
  name: 'memory',
  title: `A million tasks through one worker at ${SLOTS} slots`,
  isLong: true,
  async run(bench) {
    const perTurn = bench.isQuick ? 2_000 : 100_000;
    await using database = await bench.server.clone();
    const rss: number[] = [];
    await drainInTurns(database.url, Array<number>(TURNS).fill(perTurn), async ({ ms, pid }) => {
      rss.push(readRss(pid));
      const done = (rss.length * perTurn).toLocaleString('en');
      bench.print(
        `  ${done.padStart(9)} tasks   ${figure(rss.at(-1) ?? 0)} MiB   ${figure((perTurn / ms) * 1000)} tasks/s`,
      );
      bench.progress.say(`memory: ${done} tasks`);
    });
    // The first turn fills what is kept warm: compiled code, pools, prepared statements.
    const early = median(rss.slice(1, 4));
    const late = rss.slice(-3).map((mib) => mib / early);
    const { value, min, max } = summarize(late);
    return [
      {
        what: `memory of the last three tenths, times that of the second to fourth`,
        value,
        min,
        max,
        unit: '×',
        bar: atMost(BAR, value, '×'),
      },
    ];
  },
};
