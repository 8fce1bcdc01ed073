import { expect, test } from 'vitest';
import { openLab, until } from '../lab.ts';
import { ageHeartbeat, send, startWorkerProcess, whenRunning } from './processes.ts';

test('a worker that was taken for dead cannot settle the attempt that was taken from it', async () => {
  await using lab = await openLab();
  const slow = await startWorkerProcess(lab, ['--queues', 'diag']);
  const [id = ''] = await send(lab, 'diag.sleep', [{ input: { ms: 2_000, obeySignal: false } }]);
  await whenRunning(lab, id);
  slow.child.kill('SIGSTOP');
  await ageHeartbeat(lab, slow.id);
  const quick = await startWorkerProcess(lab, ['--queues', 'diag']);
  await until(
    () => lab.get(id),
    (task) => task.attempt === 2 && task.state === 'running',
  );

  slow.child.kill('SIGCONT');
  await until(
    () => slow.output(),
    (text) => text.includes('the outcome was dropped'),
  );
  expect(await lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 2 });
  const history = (await lab.events(id)).map(({ type, attempt, data }) => [
    type,
    attempt,
    data['worker'] ?? data['by'],
  ]);
  expect(history).toEqual([
    ['queued', 0, undefined],
    ['started', 1, slow.id],
    ['rescued', 1, 'lovage'],
    ['started', 2, quick.id],
    ['succeeded', 2, undefined],
  ]);
  expect(quick.output()).toContain('its worker fell silent: queued again');
  expect(await lab.violations()).toEqual([]);
});

test('progress of an attempt that was taken away is dropped and logged', async () => {
  await using lab = await openLab();
  const worker = await startWorkerProcess(lab, ['--queues', 'diag']);
  const [id = ''] = await send(lab, 'diag.progress', [{ input: { steps: 1_000, everyMs: 20 } }]);
  await until(
    () => lab.get(id),
    (task) => (task.progress?.current ?? 0) > 0,
  );
  // Somebody resets the job by hand: the attempt is no longer the worker's.
  await lab.sql(
    "UPDATE pgboss.job SET state = 'created', start_after = now() + interval '1 hour' WHERE id = $1",
    [id],
  );
  const { length } = await lab.events(id);
  await until(
    () => worker.output(),
    (text) => text.includes('progress was dropped'),
  );
  await until(
    () => worker.output(),
    (text) => text.includes('the outcome was dropped'),
  );
  expect(await lab.events(id)).toHaveLength(length);
  expect(await lab.get(id)).toMatchObject({ state: 'scheduled', attempt: 1 });
  expect(await lab.violations()).toEqual([]);
});
