import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../cli/run.ts';
import { startApiProcess } from '../faults/api-process.ts';
import { openLab, type Lab } from '../lab.ts';
import { ageHeartbeat } from '../worker/processes.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const health = async (args: string[], env: Record<string, string> = {}) => {
  const { code, stdout } = await run(['health', ...args], { DATABASE_URL: lab.url, ...env });
  return { code, said: stdout.trim() };
};

test('health --worker tells a live worker of this host from none and from a silent one', async () => {
  expect(await health(['--worker'])).toMatchObject({
    code: 1,
    said: expect.stringMatching(/^no live worker on/),
  });
  const worker = await lab.worker({ queues: ['diag'] });
  expect(await health(['--worker'])).toEqual({ code: 0, said: 'up' });
  await worker.drain(0);
  await lab.sql('UPDATE lovage.worker SET stopped_at = NULL');
  await ageHeartbeat(lab, worker.id);
  expect(await health(['--worker'])).toMatchObject({ code: 1 });
  const away = lab.url.replace(/:\d+\//, ':1/');
  expect(await health(['--worker'], { DATABASE_URL: away })).toEqual({
    code: 1,
    said: 'Postgres cannot be reached',
  });
});

test('health asks the API on the address that it listens on', async () => {
  const api = await startApiProcess(lab.url);
  const { port } = new URL(api.url);
  expect(await health([], { HOST: '0.0.0.0', PORT: port })).toEqual({ code: 0, said: 'up' });
  api.child.kill('SIGTERM');
  expect(await api.exited).toBe(0);
  expect(await health([], { PORT: port })).toEqual({ code: 1, said: `nothing answers on 127.0.0.1:${port}` });
});
