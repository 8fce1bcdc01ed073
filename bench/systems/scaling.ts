import { atLeast, type Bench, type Claim } from '../bench.ts';
import { summarize } from '../measure/statistics.ts';
import { until } from '../measure/until.ts';
import { openSystems, type Systems } from './deployment.ts';
import { timed } from './timed.ts';

const TASKS = 100;
const TASK_MS = 200;
const RATIO_BAR = 1.7;

/** Tasks that wait for others, as those that call services do: what a second worker process brings. */
export async function measureScaling(bench: Bench): Promise<Claim[]> {
  const ratios: number[] = [];
  for (let round = 1; round <= bench.rounds; round += 1) {
    bench.progress.say(`systems: one worker, then two, round ${round}`);
    await using systems = await openSystems(bench);
    await using first = systems.startWorker();
    await first.during(untilClaiming(systems, 1));
    const one = await first.during(timed(() => drain(systems)));
    await using second = systems.startWorker();
    await second.during(untilClaiming(systems, 2));
    ratios.push(one / (await second.during(timed(() => drain(systems)))));
  }
  const ratio = summarize(ratios);
  const what = `${TASKS} tasks that wait ${TASK_MS} ms each: two workers against one`;
  return [{ what, ...ratio, unit: '×', bar: atLeast(RATIO_BAR, ratio.value, '×') }];
}

async function drain({ client }: Systems): Promise<void> {
  const tasks = Array.from({ length: TASKS }, () => ({
    name: 'diag.sleep' as const,
    input: { ms: TASK_MS },
  }));
  const { id } = await client.batch(tasks);
  await client.waitForBatch(id);
}

const untilClaiming = ({ client }: Systems, count: number) =>
  until(
    `worker ${count}`,
    async () =>
      (await client.trpc.workers.list.query()).items.filter(({ state }) => state === 'live').length === count,
    { withinMs: 30_000, everyMs: 100 },
  );
