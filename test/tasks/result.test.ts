import { afterAll, beforeAll, expect, test } from 'vitest';
import { echo, fail } from '../../packs/diag/tasks.ts';
import { listAttempts } from '../../src/tasks/attempts.ts';
import { getResult } from '../../src/tasks/result.ts';
import { openLab, until, type Lab } from '../lab.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const result = (id: string) => getResult(lab.lovage, lab.caller, id);

test('there is a result from success until its time is over', async () => {
  const { id } = await lab.enqueue(echo, { value: 1 });
  await expect(result(id)).rejects.toMatchObject({ code: 'conflict' });
  await lab.worker();
  await lab.final(id);
  expect(await result(id)).toEqual({ value: 1 });

  await lab.sql("UPDATE lovage.task_result SET expires_at = now() - interval '1 s' WHERE task_id = $1", [id]);
  await expect(result(id)).rejects.toMatchObject({ code: 'result-expired' });
  expect(await lab.get(id)).toMatchObject({ state: 'succeeded', result: null });
});

test('unknown, malformed and foreign ids are not found', async () => {
  const { id } = await lab.enqueue(echo, { value: 1 });
  for (const unknown of ['01890000-0000-7000-8000-000000000000', 'x', '', `${id}0`]) {
    await expect(result(unknown)).rejects.toMatchObject({ code: 'task-not-found' });
    await expect(lab.get(unknown)).rejects.toMatchObject({ code: 'task-not-found' });
  }
  await expect(getResult(lab.lovage, { tenant: 'other' }, id)).rejects.toMatchObject({
    code: 'task-not-found',
  });
});

test('each attempt is listed with its worker, its span and its end', async () => {
  const { id } = await lab.enqueue(fail, { times: 1, message: 'once' });
  await until(
    () => lab.get(id),
    ({ state }) => state === 'retrying',
  );
  await lab.sql('UPDATE pgboss.job SET start_after = now() WHERE id = $1', [id]);
  await lab.final(id);
  const { items } = await listAttempts(lab.lovage, lab.caller, id);
  const worker = expect.stringMatching(/^[0-9a-f-]{36}$/) as string;
  expect(items).toMatchObject([
    { attempt: 1, worker, outcome: 'retrying', error: { message: 'once' } },
    { attempt: 2, worker, outcome: 'succeeded', error: null },
  ]);
  for (const { startedAt, endedAt } of items) expect(endedAt !== null && endedAt >= startedAt).toBe(true);
  expect(JSON.stringify(items)).not.toContain('stack');
});
