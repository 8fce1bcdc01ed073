import { expect, test } from 'vitest';
import { openLab, until } from '../lab.ts';
import { kill, send, startWorkerProcess } from './processes.ts';

const FOR_MS = 6_000;

test('workers killed at random under load, and operators who cancel, break nothing', async () => {
  await using lab = await openLab();
  const start = () => startWorkerProcess(lab, ['--queues', 'diag,spare', '--concurrency', '8']);
  const workers = await Promise.all([start(), start(), start()]);
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(Math.random() * items.length)];
  const ids: string[] = [];
  const until_ = performance.now() + FOR_MS;
  const isOver = () => performance.now() > until_;

  async function enqueueAll(): Promise<void> {
    while (!isOver()) {
      ids.push(
        ...(await send(
          lab,
          'diag.sleep',
          Array.from({ length: 10 }, (_, n) => ({ input: { ms: n * 20 }, queue: n % 3 ? 'diag' : 'spare' })),
        )),
      );
      ids.push(...(await send(lab, 'diag.progress', [{ input: { steps: 20, everyMs: 10 } }])));
      ids.push(...(await send(lab, 'diag.fail', [{ input: { times: 1 } }])));
      await until(
        async () =>
          (
            await lab.sql<{ n: number }>(
              'SELECT count(*)::int AS n FROM lovage.task WHERE NOT lovage.is_final(state)',
            )
          )[0]?.n ?? 0,
        (n) => n < 60 || isOver(),
      );
    }
  }
  async function cancelSome(): Promise<void> {
    while (!isOver()) {
      const id = pick(ids);
      if (id) await lab.sql('SELECT lovage.cancel($1)', [id]);
      await new Promise(setImmediate);
    }
  }
  async function killSome(): Promise<void> {
    while (!isOver()) {
      const victim = pick(workers);
      if (!victim) return;
      await kill(victim);
      workers.splice(workers.indexOf(victim), 1, await start());
    }
  }
  await Promise.all([enqueueAll(), cancelSome(), killSome()]);

  // The killed ones' heartbeats as if a minute had passed; the living write theirs anew.
  const alive = workers.map(({ id }) => id);
  await lab.sql("UPDATE lovage.worker SET heartbeat_at = now() - interval '1 minute' WHERE id <> ALL ($1)", [
    alive,
  ]);
  await until(
    () =>
      lab.sql<{ state: string; n: number }>(
        'SELECT state, count(*)::int AS n FROM lovage.task WHERE NOT lovage.is_final(state) GROUP BY 1',
      ),
    (rows) => rows.length === 0,
    40_000,
  );
  const [crashed] = await lab.sql<{ n: number }>(
    'SELECT count(*)::int AS n FROM lovage.task WHERE crashes > 0',
  );
  expect(crashed?.n).toBeGreaterThan(0);
  expect(await lab.sql('SELECT DISTINCT state FROM lovage.task ORDER BY 1')).toEqual([
    { state: 'succeeded' },
    { state: 'cancelled' },
  ]);
  expect(await lab.violations()).toEqual([]);
  expect(
    await lab.sql("SELECT DISTINCT error ->> 'code' AS code FROM lovage.task WHERE state = 'failed'"),
  ).toEqual([]);
}, 90_000);
