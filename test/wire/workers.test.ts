import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WorkerView } from '../../src/wire/worker.ts';
import { until } from '../lab.ts';
import { type HttpLab, openHttpLab, pointers } from '../api/http-lab.ts';

let lab: HttpLab;
beforeAll(async () => {
  lab = await openHttpLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

interface Page {
  items: WorkerView[];
  nextCursor: string | null;
}
const list = async (query = '') =>
  JSON.parse((await lab.call('GET', `/v1/workers${query}`)).text) as unknown as Page;

const add = async (what: string) => {
  const [row] = await lab.lab.sql<{ id: string }>(
    `INSERT INTO lovage.worker (id, host, pid, queues, slots, version, started_at, heartbeat_at, draining, stopped_at, lost_at)
     SELECT lovage.uuid_v7(), 'elsewhere', 7, '{diag}', 3, 'old', now() - interval '1 h',
            now() - CASE $1 WHEN 'silent' THEN interval '1 h' ELSE interval '0' END, $1 = 'draining',
            CASE $1 WHEN 'stopped' THEN now() END, CASE $1 WHEN 'lost' THEN now() END RETURNING id`,
    [what],
  );
  return row?.id ?? '';
};

test('a worker is shown with what it serves and how many attempts it runs now', async () => {
  await lab.work();
  const { body } = await lab.call('POST', '/v1/tasks/diag.sleep', { body: { ms: 60_000 } });
  await until(
    () => lab.lab.get(body.id),
    ({ state }) => state === 'running',
  );
  const { items } = await list('?state=live');
  expect(items).toMatchObject([
    {
      pid: process.pid,
      state: 'live',
      running: 1,
      version: 'test',
      queues: expect.arrayContaining(['diag']),
    },
  ]);
  expect(Date.parse(items[0]?.heartbeatAt ?? '')).toBeGreaterThan(Date.now() - 15_000);
  await lab.call('POST', `/v1/tasks/${body.id}/cancel`);
  await lab.lab.final(body.id);
  expect((await list('?state=live')).items).toMatchObject([{ running: 0 }]);
});

test('each says how it stands, and the list is filtered and paged, the youngest first', async () => {
  const states = ['draining', 'stopped', 'lost', 'silent'];
  const ids: string[] = [];
  for (const state of states) ids.push(await add(state));
  const { items } = await list();
  const stateOf = (id: string | undefined) => items.find((worker) => worker.id === id)?.state;
  expect(ids.map(stateOf)).toEqual(['draining', 'stopped', 'lost', 'lost']);
  expect((await list('?state=stopped,draining')).items).toHaveLength(2);

  const seen: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page = await list(`?limit=2${cursor && `&cursor=${cursor}`}`);
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  }
  expect(seen).toEqual(items.map(({ id }) => id));
});

test('it takes the scope to read, over REST and tRPC alike, and refuses what makes no sense', async () => {
  const [reader, enqueuer] = [await lab.keyFor(['read']), await lab.keyFor(['enqueue'])];
  expect((await lab.call('GET', '/v1/workers', { key: enqueuer })).status).toBe(403);
  expect((await lab.call('GET', '/trpc/workers.list', { key: enqueuer })).status).toBe(403);
  const { text } = await lab.call('GET', '/trpc/workers.list', { key: reader });
  expect((JSON.parse(text) as { result: { data: Page } }).result.data.items).toHaveLength(
    (await list()).items.length,
  );
  expect(pointers(await lab.call('GET', '/v1/workers?state=dead&limit=0'))).toEqual(['state', 'limit']);
  expect(pointers(await lab.call('GET', '/v1/workers?cursor=nonsense'))).toEqual(['cursor']);
});
