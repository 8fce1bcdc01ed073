import { expect, test } from 'vitest';
import { openLab, until, type Lab } from '../lab.ts';
import { kill, send, startWorkerProcess, type WorkerProcess } from '../worker/processes.ts';

const FOR_MS = 6_000;
const pick = <Item>(items: readonly Item[]): Item | undefined =>
  items[Math.floor(Math.random() * items.length)];

const countOf = async (lab: Lab, condition: string): Promise<number> =>
  (await lab.sql<{ n: number }>(`SELECT count(*)::int AS n FROM lovage.task WHERE ${condition}`))[0]?.n ?? 0;

test('workers killed at random under load, and operators who cancel, break nothing', async () => {
  await using lab = await openLab();
  const start = () => startWorkerProcess(lab, ['--queues', 'diag,spare', '--concurrency', '8']);
  const workers: WorkerProcess[] = await Promise.all([start(), start(), start()]);
  const ids: string[] = [];
  const end = performance.now() + FOR_MS;
  const isOver = () => performance.now() > end;

  async function enqueueMany(): Promise<void> {
    while (!isOver()) {
      const sleeps = Array.from({ length: 10 }, (_, n) => ({
        input: { ms: n * 30 },
        queue: n % 3 === 0 ? 'spare' : 'diag',
      }));
      ids.push(...(await send(lab, 'diag.sleep', sleeps)));
      ids.push(...(await send(lab, 'diag.progress', [{ input: { steps: 20, everyMs: 10 } }])));
      ids.push(...(await send(lab, 'diag.fail', [{ input: { times: 1 } }])));
      await until(
        () => countOf(lab, 'NOT lovage.is_final(state)'),
        (n) => n < 80 || isOver(),
      );
    }
  }

  async function cancelSome(): Promise<void> {
    while (!isOver()) {
      const known = ids.length;
      await until(() => ids.length > known || isOver());
      for (const id of [pick(ids.slice(-30)), pick(ids.slice(-30)), pick(ids)])
        if (id) await lab.sql('SELECT lovage.cancel($1)', [id]);
    }
  }

  async function killSome(): Promise<void> {
    while (!isOver()) {
      const victim = pick(workers);
      if (!victim) return;
      await until(
        async () => isOver() || (await countOf(lab, `state = 'running' AND worker_id = '${victim.id}'`)) > 0,
      );
      await kill(victim);
      workers.splice(workers.indexOf(victim), 1, await start());
    }
  }
  await Promise.all([enqueueMany(), cancelSome(), killSome()]);

  await until(
    () => countOf(lab, 'NOT lovage.is_final(state)'),
    (n) => n === 0,
    60_000,
  );
  expect(await countOf(lab, 'crashes > 0')).toBeGreaterThan(0);
  expect(await countOf(lab, "state = 'cancelled'")).toBeGreaterThan(0);
  // Three of the kills may have met the same task: such a one is given up.
  expect(
    await countOf(lab, "state NOT IN ('succeeded', 'cancelled') AND (state <> 'failed' OR crashes < 3)"),
  ).toBe(0);
  expect(await countOf(lab, 'true')).toBe(ids.length);
  expect(await lab.violations()).toEqual([]);
}, 120_000);
