import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { until } from '../../lab.ts';
import { openPackLab, type PackLab } from '../pack-lab.ts';
import {
  openClient,
  type Accepted,
  type Client,
  type Detail,
  type Report,
  type Snapshot,
  type Status,
} from './client.ts';
import { REFUSED, ROUTES, SNAPSHOT_FIELDS, SPRINTS, unknownRoutes } from './contract-tables.ts';
import { json, openService, type Service } from './open-service.ts';

/** A worker has to start and a crashed task runs in a process of its own: slow on a machine that has much to do. */
const LONG_MS = 60_000;

let service: Service;
let lab: PackLab;
let call: Client['call'];
let post: Client['post'];
let status: Client['status'];
let becomes: Client['becomes'];
let finish: Client['finish'];
beforeAll(async () => {
  service = await openService();
  lab = await openPackLab({
    env: { EXTERNAL_METRICS_API_URL: service.url, ENVIRONMENT: 'staging' },
    queues: ['reports', 'metrics'],
  });
  ({ call, post, status, becomes, finish } = openClient(lab));
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});
beforeEach(() => service.answer((response) => json(response, 200, SPRINTS)));

const startSync = async () => (await post<Accepted>('/tasks/metrics/sync')).body.task_id;
const revoke = async (id = '') => (await call<Accepted>(`/tasks/${id}`, { method: 'DELETE' })).body;

/** A sync that the service leaves without an answer. */
async function startHanging(): Promise<string> {
  service.answer(() => {});
  const before = service.received.length;
  const id = await startSync();
  await until(() => service.received.length > before);
  return id;
}

test('who it is and how it is can be asked without a key, under the prefix as at its own port', async () => {
  for (const base of Object.values(lab.url('retros'))) {
    const health = await lab.call(base, '/health', { key: null });
    expect(health).toMatchObject({
      status: 200,
      body: { status: 'healthy', database: 'connected', environment: 'staging' },
    });
    expect(await lab.call(base, '', { key: null })).toMatchObject({
      status: 200,
      body: { message: 'Retrospective reports' },
    });
  }
});

test('a key is needed, and taken from X-API-Key or as Bearer', async () => {
  const none = await call<Detail>('/metrics', { key: null });
  expect([none.status, typeof none.body.detail]).toEqual([401, 'string']);
  expect((await call('/metrics', { key: null, headers: { 'x-api-key': lab.key } })).status).toBe(200);
  expect((await call('/metrics')).status).toBe(200);
  const reader = await lab.keyFor(['read']);
  expect((await post('/tasks/metrics/sync', {}, { key: reader })).status).toBe(403);
  expect((await call('/reports', { key: reader })).status).toBe(200);
});

test('a sync is accepted with 200 and PENDING, and ends with its counts', async () => {
  const accepted = await post<Accepted>('/tasks/metrics/sync', { sprint_count: 5, force_refresh: true });
  const { task_id: id } = accepted.body;
  expect(accepted).toMatchObject({
    status: 200,
    body: { task_id: id, status: 'PENDING', message: `Metrics sync started. Task ID: ${id}` },
  });
  const done = await finish(id);
  expect(done).toEqual({
    task_id: id,
    status: 'SUCCESS',
    result: expect.objectContaining({ status: 'success', sprints_fetched: 5 }) as unknown,
    error: null,
    created_at: expect.stringMatching(/^\d{4}-.*Z$/) as unknown,
  });
});

test('a report is accepted, stored, listed, shown and deleted', async () => {
  await finish(await startSync());
  const accepted = await post<Accepted>('/tasks/reports/generate', {
    sprint_ids: ['s-5', 's-1', 's-2', 's-3', 's-4'],
    focus_metrics: ['review_time'],
    custom_context: 'Two people joined.',
  });
  expect(accepted).toMatchObject({ status: 200, body: { status: 'PENDING' } });
  const { result } = await finish(accepted.body.task_id);
  expect(result).toEqual({
    status: 'success',
    report_id: accepted.body.task_id,
    headline: 'Sprint 5 against the sprints before: review time up 76 % to 18 h',
    sprints_analyzed: 5,
    hypotheses_count: 1,
    experiments_count: 1,
  });
  const path = `/reports/${String(result?.['report_id'])}`;
  const { body: report } = await call<Report>(path);
  expect(report).toMatchObject({
    headline: result?.['headline'],
    sprint_ids: ['s-1', 's-2', 's-3', 's-4', 's-5'],
  });
  expect(report.summary).toContain('Two people joined.');
  const { body: list } = await call<Report[]>('/reports?limit=1&offset=0');
  expect(list).toEqual([
    {
      id: report.id,
      report_date: report.report_date,
      headline: report.headline,
      summary: report.summary,
      sprint_ids: report.sprint_ids,
      created_at: expect.any(String) as unknown,
    },
  ]);
  expect((await call(path, { method: 'DELETE' })).body).toEqual({ status: 'deleted', report_id: report.id });
  expect(await call(path)).toMatchObject({ status: 404, body: { detail: 'Report not found' } });
  expect((await call(path, { method: 'DELETE' })).status).toBe(404);
});

test('a report that is waited for comes whole', async () => {
  await finish(await startSync());
  const { status: code, body } = await post<Report>('/reports/generate', { sprint_count: 5 });
  expect(code).toBe(200);
  expect(body).toMatchObject({ report_id: body.id, sprints_analyzed: 5, confidence_overall: 'Medium' });
  expect([body.hypotheses.length, body.suggested_experiments.length]).toEqual([1, 1]);
});

test('too few and unknown sprints are 400 where the report is waited for, else FAILURE with the same words', async () => {
  const key = await lab.keyFor(['enqueue', 'read', 'cancel'], 'without-sprints');
  const few = await post<Detail>('/reports/generate', {}, { key });
  expect(few.status).toBe(400);
  expect(few.body.detail).toMatch(/^Insufficient data/);
  const unknown = await post<Detail>('/reports/generate', { sprint_ids: ['s-1', 'nobody'] });
  expect(unknown).toMatchObject({
    status: 400,
    body: { detail: expect.stringContaining('Unknown sprint_ids: nobody') as unknown },
  });
  const accepted = await post<Accepted>('/tasks/reports/generate', { sprint_ids: ['nobody'] });
  expect(await finish(accepted.body.task_id)).toMatchObject({
    status: 'FAILURE',
    result: null,
    error: expect.stringContaining('Unknown sprint_ids: nobody') as unknown,
  });
});

test('the paths of the design document lead to the same', async () => {
  const sync = await post<Accepted>('/tasks/sync-metrics');
  await finish(sync.body.task_id);
  const report = await post<Accepted>('/tasks/generate-report', { sprint_count: 2 });
  expect([sync.status, report.status]).toEqual([200, 200]);
  await finish(report.body.task_id);
  const { body } = await call<Status>(`/tasks/${report.body.task_id}`);
  expect(body).toEqual(await status(report.body.task_id));
  expect(await post(`/tasks/${report.body.task_id}/revoke`)).toMatchObject({
    status: 200,
    body: { status: 'SUCCESS', message: expect.stringContaining('cannot revoke') as unknown },
  });
});

test.each(REFUSED)('%s with %j is refused with 422 and the place of the fault', async (path, body, loc) => {
  const refused = await post<Detail>(path, body);
  expect(refused.status).toBe(422);
  expect(refused.body.detail).toEqual([{ loc, msg: expect.any(String) as unknown, type: 'value_error' }]);
});

test('lists out of range are 422, what is no JSON is 400, and fields that nobody reads are let pass', async () => {
  for (const query of ['limit=0', 'limit=51', 'offset=-1'])
    expect((await call<Detail>(`/reports?${query}`)).status).toBe(422);
  expect((await post<Detail>('/tasks/metrics/sync', '{')).status).toBe(400);
  const extra = await post<Accepted>('/tasks/metrics/sync', {
    sprint_count: 2,
    colour: 'blue',
    team_id: null,
  });
  expect(extra.status).toBe(200);
  await finish(extra.body.task_id);
});

test('sprints are fetched anew, listed, shown and deleted', async () => {
  const changed = SPRINTS.map((sprint) => ({ ...sprint, review_time: 3 }));
  service.answer((response) => json(response, 200, changed));
  const fetched = await call<Snapshot[]>('/metrics/fetch?count=3&team_id=blue', { method: 'POST' });
  expect(service.received.at(-1)?.path).toBe('/sprints?count=3&team_id=blue');
  expect([fetched.status, fetched.body.map(({ sprint_id }) => sprint_id)]).toEqual([
    200,
    ['s-3', 's-4', 's-5'],
  ]);
  expect(Object.keys(fetched.body[0] ?? {})).toEqual(SNAPSHOT_FIELDS);
  const { body: all } = await call<Snapshot[]>('/metrics');
  expect(all[0]).toMatchObject({ sprint_id: 's-5', metrics_data: { review_time: 3, source: 'api' } });
  expect((await call<Snapshot>('/metrics/s-4')).body).toMatchObject({
    sprint_id: 's-4',
    sprint_name: 'Sprint 4',
    start_date: '2026-02-16',
  });
  const gone = await call('/metrics/s-4', { method: 'DELETE' });
  expect(gone.body).toEqual({ status: 'deleted', sprint_id: 's-4' });
  for (const method of ['GET', 'DELETE'])
    expect(await call('/metrics/s-4', { method })).toMatchObject({
      status: 404,
      body: { detail: 'Sprint not found' },
    });
});

test('a fetch from a service in trouble is 502 at once, of a sync RETRY', async () => {
  service.answer((response) => json(response, 500, { error: 'broken' }));
  const fetched = await call<Detail>('/metrics/fetch', { method: 'POST' });
  expect(fetched.status).toBe(502);
  expect(fetched.body.detail).toContain('answered 500');
  const { body } = await post<Accepted>('/tasks/metrics/sync');
  const retrying = await becomes(body.task_id, 'RETRY');
  expect(retrying).toMatchObject({ result: null, error: expect.stringContaining('answered 500') as unknown });
  expect(await revoke(body.task_id)).toMatchObject({ task_id: body.task_id, status: 'REVOKED' });
  expect(await status(body.task_id)).toMatchObject({ status: 'REVOKED' });
});

test('four syncs run at a time, and the next one begins when one of them is revoked', async () => {
  const running: string[] = [];
  while (running.length < 4) running.push(await startHanging());
  const next = await startSync();
  const last = await startSync();
  for (const id of running) expect((await status(id)).status).toBe('STARTED');
  for (const id of [next, last]) expect((await status(id)).status).toBe('PENDING');

  expect(await revoke(running[0])).toMatchObject({ task_id: running[0], status: 'REVOKED' });
  await becomes(next, 'STARTED');
  expect((await status(last)).status).toBe('PENDING');
  for (const id of [last, next, ...running.slice(1)]) {
    expect((await revoke(id)).status).toBe('REVOKED');
    expect(await becomes(id, 'REVOKED')).toMatchObject({ result: null });
  }
  expect((await revoke(last)).message).toContain('cannot revoke');
});

test('ids that never were are 404, also those that are none, and another tenant’s', async () => {
  const stranger = await lab.keyFor(['enqueue', 'read', 'cancel'], 'stranger');
  const { body: mine } = await post<Report>('/reports/generate', { sprint_count: 2 });
  for (const [method, path, whose] of unknownRoutes(mine.id)) {
    const key = whose === 'own' ? lab.key : stranger;
    const answer = await call<Detail>(path, { method, key });
    expect([method, path, answer.status, typeof answer.body.detail]).toEqual([method, path, 404, 'string']);
  }
  expect((await call('/reports', { key: stranger })).body).toEqual([]);
  expect((await call('/metrics', { key: stranger })).body).toEqual([]);
});

test('all routes stand in the OpenAPI document', async () => {
  const server = new URL(lab.url('retros').prefix).origin;
  const { body } = await lab.call<{ paths: Record<string, Record<string, unknown>> }>(
    server,
    '/v1/openapi.json',
  );
  const routes = Object.entries(body.paths)
    .filter(([path]) => path.startsWith('/retros'))
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
  expect(routes).toEqual(expect.arrayContaining(ROUTES));
});

test(
  'a worker killed while it fetches leaves a task that the next one ends, and every sprint once',
  async () => {
    const id = await startHanging();
    service.answer((response) => json(response, 200, SPRINTS));
    await lab.restartWorker();
    const done = await finish(id);
    expect(done).toMatchObject({ status: 'SUCCESS', result: { sprints_fetched: 5 } });
    const { body } = await call<Snapshot[]>('/metrics');
    expect(body.map(({ sprint_id }) => sprint_id)).toEqual(['s-5', 's-4', 's-3', 's-2', 's-1']);
  },
  LONG_MS,
);

test('while Postgres is away nothing is accepted: 503', async () => {
  await lab.stopPostgres();
  const refused = await post<Detail>('/tasks/metrics/sync');
  expect([refused.status, typeof refused.body.detail]).toEqual([503, 'string']);
  await lab.startPostgres();
  const { body } = await until(
    () => post<Accepted>('/tasks/metrics/sync'),
    (answer) => answer.status === 200,
  );
  expect(await finish(body.task_id)).toMatchObject({ status: 'SUCCESS' });
});
