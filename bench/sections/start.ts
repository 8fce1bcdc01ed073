import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atMost, type Bench, type Section } from '../bench.ts';
import { freePort } from '../measure/free-port.ts';
import { spawnLovage, untilReady } from '../measure/lovage-process.ts';
import { spread, summarize } from '../measure/statistics.ts';
import { startEmbeddedPostgres } from '../../src/embedded-postgres/index.ts';

const COLD_BAR_S = 6;
const WARM_BAR_S = 2;

export const start: Section = {
  name: 'start',
  title: 'From the command of `npm start` to GET /readyz answering 200',
  async run(bench) {
    const dev = { cold: [] as number[], warm: [] as number[] };
    const postgres = { cold: [] as number[], warm: [] as number[] };
    for (let round = 1; round <= bench.rounds; round += 1) {
      await inNewFolder(async (dataDir) => {
        dev.cold.push(await secondsToReady(bench, `cold ${round}/${bench.rounds}`, dataDir));
        dev.warm.push(await secondsToReady(bench, `warm ${round}/${bench.rounds}`, dataDir));
      });
      await inNewFolder(async (dataDir) => {
        postgres.cold.push(await secondsToServe(dataDir));
        postgres.warm.push(await secondsToServe(dataDir));
      });
    }
    const print = (what: string, seconds: number[]) =>
      bench.print(`  ${what.padEnd(46)} ${spread(seconds)} s`);
    print('lovage dev, cold: no data folder yet', dev.cold);
    print('lovage dev, warm: after an orderly stop', dev.warm);
    print('the embedded Postgres alone, cold', postgres.cold);
    print('the embedded Postgres alone, warm', postgres.warm);
    const [cold, warm] = [summarize(dev.cold), summarize(dev.warm)];
    return [
      { what: 'ready, cold', ...cold, unit: ' s', bar: atMost(COLD_BAR_S, cold.value, ' s') },
      { what: 'ready, warm', ...warm, unit: ' s', bar: atMost(WARM_BAR_S, warm.value, ' s') },
    ];
  },
};

async function inNewFolder(work: (dataDir: string) => Promise<void>): Promise<void> {
  const parent = await mkdtemp(join(tmpdir(), 'lovage-bench-start-'));
  try {
    await work(join(parent, 'data'));
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}

/** With the repository's own configuration and, as for a new user, no setting but the folder and the port. */
async function secondsToReady(bench: Bench, what: string, dataDir: string): Promise<number> {
  bench.progress.say(`start: ${what}`);
  const port = await freePort();
  const startedAt = performance.now();
  await using lovage = spawnLovage(['dev'], { LOVAGE_DATA_DIR: dataDir, PORT: String(port) });
  await untilReady(`http://127.0.0.1:${port}`, lovage);
  return (performance.now() - startedAt) / 1000;
}

async function secondsToServe(dataDir: string): Promise<number> {
  const startedAt = performance.now();
  const server = await startEmbeddedPostgres({ dataDir });
  const seconds = (performance.now() - startedAt) / 1000;
  await server.release();
  return seconds;
}
