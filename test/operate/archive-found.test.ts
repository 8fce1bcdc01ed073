import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type HttpLab, openHttpLab } from '../api/http-lab.ts';
import { callProcedure } from '../wire/surface.ts';
import { ROOT_KEY } from '../api/http-lab.ts';
import { say } from '../cli/said.ts';
import { archiveAll, archiveAtOnce, placesOf } from './archive-lab.ts';

let lab: HttpLab;
beforeAll(async () => {
  lab = await openHttpLab();
  await lab.work();
  await archiveAtOnce(lab.lab);
});
afterAll(() => lab[Symbol.asyncDispose]());

const run = async (name: string, body: unknown, path = '') =>
  (await lab.call('POST', `/v1/tasks/${name}?wait=20${path}`, { body })).body;
const get = (path: string) => lab.call('GET', path);

/** Everything a caller can ask of a task, without what changes by being archived. */
async function allOf(id: string): Promise<Record<string, unknown>> {
  const events = (await get(`/v1/tasks/${id}/events`)).body.items.filter(({ type }) => type !== 'archived');
  const stream = await get(`/v1/tasks/${id}/stream`);
  const lines = stream.text
    .split('\n')
    .filter((line) => line.startsWith('data:') && !line.includes('"archived"'));
  return {
    task: (await get(`/v1/tasks/${id}`)).body,
    waited: (await get(`/v1/tasks/${id}?wait=5`)).body,
    attempts: (await get(`/v1/tasks/${id}/attempts`)).body,
    explained: (await get(`/v1/tasks/${id}/explain`)).body,
    result: (await get(`/v1/tasks/${id}/result`)).text,
    trpc: JSON.parse(
      (await callProcedure(lab, { name: 'tasks.get', type: 'query' }, { id }, ROOT_KEY)).text,
    ) as unknown,
    events,
    lines,
  };
}

test('an archived task is found over every API, the same as before', async () => {
  const { id } = await run('diag.echo', { value: { deep: [1, 'two'] } });
  const failed = await run('diag.fail', { message: 'no' }, '').catch(() => undefined);
  const before = await allOf(id);
  await archiveAll(lab.lab);
  expect(await placesOf(lab.lab, id)).toEqual(['archive']);
  expect(await allOf(id)).toEqual(before);
  expect(await lab.lab.eventTypes(id)).toEqual(['queued', 'started', 'succeeded', 'archived']);
  expect(failed).toBeDefined();
  expect(await lab.lab.violations()).toEqual([]);
});

test('a list shows hot and archived tasks together, in one order, through every filter', async () => {
  const ids: string[] = [];
  for (let value = 0; value < 6; value += 1) {
    ids.push((await run('diag.echo', { value }, `&tags=${value % 2 ? 'odd' : 'even'}`)).id);
    if (value === 3) await archiveAll(lab.lab);
  }
  const newest = ids.toReversed();
  expect(await Promise.all([newest[5], newest[0]].map((id) => placesOf(lab.lab, id ?? '')))).toEqual([
    ['archive'],
    ['hot'],
  ]);
  const page = async (query: string) => {
    const found: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await get(`/v1/tasks?limit=2&${query}${cursor === '' ? '' : `&cursor=${cursor}`}`);
      found.push(...body.items.map(({ id }) => id));
      cursor = body.nextCursor;
    }
    return found.filter((id) => ids.includes(id));
  };
  expect(await page('')).toEqual(newest);
  expect(await page('name=diag.echo')).toEqual(newest);
  expect(await page('queue=diag&state=succeeded')).toEqual(newest);
  expect(await page('state=failed')).toEqual([]);
  expect(await page('tag=odd')).toEqual(newest.filter((_, place) => place % 2 === 0));
  expect(await page('createdBefore=2020-01-01T00:00:00Z')).toEqual([]);
  expect(await page('createdAfter=2020-01-01T00:00:00Z')).toEqual(newest);
});

test('a list and a look-up show another tenant none of it', async () => {
  const { id } = await run('diag.echo', { value: 'mine' });
  await archiveAll(lab.lab);
  const stranger = await lab.keyFor(['read', 'admin', 'cancel'], 'globex');
  for (const path of ['', '/events', '/attempts', '/result', '/explain', '/stream']) {
    expect((await lab.call('GET', `/v1/tasks/${id}${path}`, { key: stranger })).status).toBe(404);
  }
  expect((await lab.call('GET', '/v1/tasks', { key: stranger })).body.items).toEqual([]);
  for (const verb of ['cancel', 'retry'])
    expect((await lab.call('POST', `/v1/tasks/${id}/${verb}`, { key: stranger })).status).toBe(404);
  expect((await lab.call('DELETE', `/v1/tasks/${id}`, { key: stranger })).status).toBe(404);
  expect(await placesOf(lab.lab, id)).toEqual(['archive']);
  const swept = await lab.call('POST', '/v1/tasks:retry', { key: stranger, body: { state: ['succeeded'] } });
  expect(swept.body).toMatchObject({ queued: 0 });
});

test('cancel says that it is final, and DELETE removes it for good', async () => {
  const { id } = await run('diag.echo', { value: 1 });
  await archiveAll(lab.lab);
  expect((await lab.call('POST', `/v1/tasks/${id}/cancel`)).body.outcome).toBe('already_final');
  expect(await lab.lab.sql('SELECT lovage.cancel($1) AS said', [id])).toEqual([{ said: 'already_final' }]);
  expect((await lab.call('DELETE', `/v1/tasks/${id}`)).status).toBe(204);
  expect(await placesOf(lab.lab, id)).toEqual([]);
  expect((await get(`/v1/tasks/${id}`)).status).toBe(404);
  expect((await lab.call('DELETE', `/v1/tasks/${id}`)).status).toBe(404);
  expect(await lab.lab.violations()).toEqual([]);
});

test('a retry brings it back: same id, attempts and events numbered on, nothing left in the archive', async () => {
  const { id } = await run('diag.echo', { value: 1 });
  await archiveAll(lab.lab);
  expect((await lab.call('POST', `/v1/tasks/${id}/retry`)).body.outcome).toBe('queued');
  expect(await placesOf(lab.lab, id)).toEqual(['hot']);
  expect(await lab.lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 2 });
  const events = await lab.lab.events(id);
  expect(events.map(({ type, attempt }) => `${type} ${attempt}`)).toEqual([
    'queued 0',
    'started 1',
    'succeeded 1',
    'archived 1',
    'requeued 1',
    'started 2',
    'succeeded 2',
  ]);
  expect(events.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  await archiveAll(lab.lab);
  expect(await placesOf(lab.lab, id)).toEqual(['archive']);
  expect(await lab.lab.sql('SELECT lovage.retry($1) AS said', [id])).toEqual([{ said: 'queued' }]);
  expect(await lab.lab.final(id)).toMatchObject({ attempt: 3 });
  expect(await lab.lab.violations()).toEqual([]);
});

test('a retry of all that match takes archived ones too', async () => {
  const ids = [];
  for (const value of [1, 2, 3]) ids.push((await run('diag.echo', { value }, '&tags=again')).id);
  await archiveAll(lab.lab);
  const body = { state: ['succeeded'], tag: 'again' };
  const { text } = await lab.call('POST', '/v1/tasks:retry', { body });
  expect(JSON.parse(text)).toMatchObject({ queued: 3, skipped: 0, nextCursor: null });
  for (const id of ids) expect(await lab.lab.final(id)).toMatchObject({ attempt: 2 });
});

test('a result past its time to live is gone, its task is not', async () => {
  const { id } = await run('diag.echo', { value: 1 });
  await archiveAll(lab.lab);
  expect((await get(`/v1/tasks/${id}/result`)).status).toBe(200);
  await lab.lab.sql('UPDATE lovage.task_result SET expires_at = now() WHERE task_id = $1', [id]);
  expect((await get(`/v1/tasks/${id}/result`)).status).toBe(410);
  expect((await get(`/v1/tasks/${id}`)).body).toMatchObject({ state: 'succeeded', result: null });
});

test('the answer under an idempotency key is the archived task', async () => {
  const headers = { 'idempotency-key': 'once-and-archived' };
  const submit = () => lab.call('POST', '/v1/tasks/diag.echo?wait=20', { body: { value: 1 }, headers });
  const { id } = (await submit()).body;
  await archiveAll(lab.lab);
  expect((await submit()).body).toMatchObject({ id, state: 'succeeded', replayed: true });
});

test('a batch still lists and counts its archived tasks', async () => {
  const tasks = [1, 2, 3].map((value) => ({ name: 'diag.echo', input: { value } }));
  const batch = (await lab.call('POST', '/v1/tasks:batch', { body: { tasks } })).body;
  await get(`/v1/batches/${batch.id}?wait=20`);
  const before = [
    (await get(`/v1/batches/${batch.id}`)).text,
    (await get(`/v1/batches/${batch.id}/tasks?limit=2`)).text,
  ];
  await archiveAll(lab.lab);
  expect(await placesOf(lab.lab, batch.taskIds[0] ?? '')).toEqual(['archive']);
  expect([
    (await get(`/v1/batches/${batch.id}`)).text,
    (await get(`/v1/batches/${batch.id}/tasks?limit=2`)).text,
  ]).toEqual(before);
});

test('the plan shows what would move and what expires when', async () => {
  await run('diag.echo', { value: 1 });
  const { text } = await get('/v1/archive/plan');
  const plan = JSON.parse(text) as {
    tasks: { name: string; due: number }[];
    partitions: { tasks: number }[];
  };
  expect(plan.tasks.find(({ name }) => name === 'diag.echo')).toMatchObject({
    archiveAfterMs: 1,
    due: expect.any(Number) as number,
  });
  expect(plan.tasks.find(({ name }) => name === 'diag.echo')?.due).toBeGreaterThan(0);
  expect(plan.partitions.length).toBeGreaterThanOrEqual(4);
  expect((await lab.call('GET', '/v1/archive/plan', { key: await lab.keyFor(['read']) })).status).toBe(403);
});

test('`lovage archive plan` says it over the API and past it, in tables or as JSON, and changes nothing', async () => {
  vi.stubEnv('DATABASE_URL', lab.lab.url);
  vi.stubEnv('LOVAGE_API_KEY', ROOT_KEY);
  const { id } = await run('diag.echo', { value: 1 });
  for (const way of [['--url', lab.api.url], []]) {
    const { code, stdout } = await say('archive', 'plan', ...way);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^NAME +QUEUE +ARCHIVED AFTER +KEPT FOR +DUE NOW +LATER$/m);
    expect(stdout).toMatch(/^diag\.echo +diag +1 ms +90 d +[1-9]\d* +0$/m);
    expect(stdout).toMatch(/^task_archive_\d{8} +\d{4}-\d\d-\d\dT00:00:00.000Z +\d+ +0\.\d MB$/m);
    expect(stdout).toMatch(/The last round was at|No round has run yet/);
    const { stdout: json } = await say('archive', 'plan', '--json', ...way);
    expect(JSON.parse(json)).toMatchObject({ isAll: true, lacking: [], heldUntil: null });
  }
  expect(await placesOf(lab.lab, id)).toEqual(['hot']);
  vi.unstubAllEnvs();
});

test('a page keeps its order where neighbours expire in different years', async () => {
  await lab.lab.sql(
    `UPDATE lovage.definition SET retention_ms = 400 * 86400000::bigint WHERE name = 'diag.noop'`,
  );
  const ids: string[] = [];
  for (const name of ['diag.noop', 'diag.echo', 'diag.noop', 'diag.echo', 'diag.noop', 'diag.echo'])
    ids.push((await run(name, name === 'diag.echo' ? { value: 1 } : {}, '&tags=woven')).id);
  await archiveAll(lab.lab);
  expect((await lab.lab.sql('SELECT FROM lovage.archive_partition WHERE tasks > 0')).length).toBeGreaterThan(
    1,
  );
  const page = async (cursor: string): Promise<string[]> => {
    const { body } = await get(`/v1/tasks?tag=woven&limit=2${cursor}`);
    return [
      ...body.items.map(({ id }) => id),
      ...(body.nextCursor === null ? [] : await page(`&cursor=${body.nextCursor}`)),
    ];
  };
  expect(await page('')).toEqual(ids.toReversed());
  const retried = await lab.call('POST', '/v1/tasks:retry', {
    body: { state: ['succeeded'], tag: 'woven', limit: 3 },
  });
  for (const id of ids.slice(0, 3)) expect(await lab.lab.final(id)).toMatchObject({ attempt: 2 });
  expect(JSON.parse(retried.text)).toMatchObject({ queued: 3, nextCursor: expect.any(String) as string });
});
