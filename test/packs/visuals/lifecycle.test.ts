import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../lab.ts';
import { openPackLab, type PackLab } from '../pack-lab.ts';
import {
  connect,
  follow,
  listen,
  upload,
  type Accepted,
  type Detail,
  type Image,
  type Status,
  type Visualization,
} from './client.ts';
import { painted, startGemini, type GeminiServer } from './gemini-server.ts';
import { makePhoto } from './photos.ts';

let gemini: GeminiServer;
let folder: string;
let lab: PackLab;
let base: string;
let image: Image;

beforeAll(async () => {
  gemini = await startGemini();
  folder = await mkdtemp(join(tmpdir(), 'lovage-visuals-'));
  lab = await openPackLab({
    env: {
      GEMINI_API_KEY: 'the-key',
      GEMINI_URL: gemini.url,
      VISUALS_STORE_DIR: folder,
      VISUALS_OPEN_TASKS: '1',
    },
  });
  base = lab.url('visuals').own;
  image = (await upload(lab, base, await makePhoto())).body;
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await gemini[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function submit(procedure_id: string): Promise<string> {
  const body = { image_id: image.id, procedure_id };
  const accepted = await lab.call<Accepted>(base, '/api/visualizations?async_processing=true', { body });
  return accepted.body.task_id;
}
const wait = <Body = Detail>(procedure_id: string) =>
  lab.call<Body>(base, '/api/visualizations', { body: { image_id: image.id, procedure_id } });
const statusOf = async (id: string) => (await lab.call<Status>(base, `/api/tasks/${id}/status`)).body;
const reach = (id: string, state: string) =>
  until(
    () => statusOf(id),
    (status) => status.state === state && status.progress === 20,
    20_000,
  );
const rowsOf = (id: string) =>
  lab.lab.sql<{ id: string }>('SELECT id FROM pack_visuals.visualizations WHERE task_id = $1', [id]);

/** Keeps Gemini busy with a procedure until it is let go. */
function hold(procedure: string) {
  const { promise, resolve } = Promise.withResolvers<ReturnType<typeof painted>>();
  gemini.replies.set(procedure, promise);
  return resolve;
}

test('a running task is PROCESSING with its meta, has no result yet, and cancelled it is REVOKED and leaves nothing', async () => {
  const letGo = hold('Facelift');
  const id = await submit('facelift');
  const running = await reach(id, 'PROCESSING');
  expect(running).toEqual({
    task_id: id,
    state: 'PROCESSING',
    ready: false,
    successful: null,
    status: 'Generating the preview',
    progress: 20,
    meta: { status: 'Generating the preview', progress: 20 },
  });
  const early = await lab.call<Detail>(base, `/api/tasks/${id}/result`);
  expect(early).toMatchObject({ status: 404, body: { detail: expect.any(String) } });

  const socket = listen(base, `/api/ws/tasks/${id}`, null);
  const cancelled = await lab.call(base, `/api/tasks/${id}/cancel`, { method: 'POST' });
  expect(cancelled.body).toEqual({ task_id: id, status: 'cancelled', message: expect.any(String) });
  const { last } = await follow(lab, base, id);
  expect(last).toMatchObject({ state: 'REVOKED', ready: true, successful: false, progress: 0 });
  const { messages, code } = await socket;
  expect(messages.at(-1)).toMatchObject({ type: 'complete', data: { state: 'REVOKED' } });
  expect(code).toBe(1000);
  expect(await rowsOf(id)).toEqual([]);
  letGo(painted(await makePhoto(), 'image/jpeg'));
});

test('a socket tells again each second of a task that does not move', async () => {
  const letGo = hold('Facelift');
  const id = await submit('facelift');
  await reach(id, 'PROCESSING');
  const startedAt = performance.now();
  const { messages, closed } = connect(base, `/api/ws/tasks/${id}`, lab.key);
  await until(
    () => messages.length,
    (count) => count >= 3,
  );
  expect(messages.every(({ type, data }) => type === 'status' && data.progress === 20)).toBe(true);
  expect(performance.now() - startedAt).toBeGreaterThan(1900);
  letGo(painted(await makePhoto(), 'image/jpeg'));
  expect(await closed).toBe(1000);
  expect(messages.at(-1)).toMatchObject({ type: 'complete', data: { state: 'SUCCESS' } });
});

test('a worker killed while it paints leaves nothing, and the next one leaves one preview', async () => {
  const letGo = hold('Chin augmentation');
  const id = await submit('chin-augmentation');
  await reach(id, 'PROCESSING');
  await lab.restartWorker();
  letGo(painted(await makePhoto(), 'image/jpeg'));
  const { last } = await follow(lab, base, id);
  expect(last).toMatchObject({ state: 'SUCCESS', result: { metadata: { model: 'gemini-2.5-flash-image' } } });
  expect(await rowsOf(id)).toEqual([{ id: last.result?.id }]);
  expect(gemini.calls.filter(({ prompt }) => prompt.includes('"Chin augmentation"')).length).toBe(2);
  const again = await lab.lab.sql(
    'SELECT count(*)::int AS count FROM pack_visuals.artefact_uses WHERE owner = $1',
    [`visualization/${last.result?.id}`],
  );
  expect(again).toEqual([{ count: 2 }]);
});

test.each([
  ['429', 'Otoplasty', 'otoplasty', { status: 429 }],
  ['a failure', 'Neck lift', 'neck-lift', { status: 503 }],
])('a service that answers %s is asked again in a minute: RETRY', async (_what, name, procedure, reply) => {
  gemini.replies.set(name, reply);
  const id = await submit(procedure);
  const status = await reach(id, 'RETRY');
  expect(status).toMatchObject({ ready: false, successful: null });
  const [row] = await lab.lab.sql<{ wait: number }>(
    'SELECT extract(epoch FROM due_at - now())::int AS wait FROM lovage.task WHERE id = $1',
    [id],
  );
  expect(row?.wait).toBeGreaterThan(50);
  expect(row?.wait).toBeLessThanOrEqual(60);
  const cancelled = await lab.call(base, `/api/tasks/${id}/cancel`, { method: 'POST' });
  expect(cancelled.body).toMatchObject({ status: 'cancelled' });
  expect(await statusOf(id)).toMatchObject({ state: 'REVOKED', ready: true });
});

const refusal = { body: { promptFeedback: { blockReason: 'SAFETY' } } };

test.each([
  ['refuses to paint', 'Brow lift', 'brow-lift', refusal, 'SafetyRefusal'],
  [
    'sends a page',
    'Eyelid surgery',
    'blepharoplasty',
    { type: 'text/html', body: '<h1>Hi</h1>' },
    'PainterError',
  ],
  ['lies about its picture', 'Jaw contouring', 'jaw-contouring', painted(Buffer.from('no')), 'PainterError'],
])(
  'a service that %s is 400 for who waits and FAILURE for who asks, at once',
  async (_w, name, procedure, reply, code) => {
    gemini.replies.set(name, reply);
    const waited = await wait(procedure);
    expect(waited).toMatchObject({ status: 400, body: { detail: expect.stringContaining('Gemini') } });
    const id = await submit(procedure);
    const { last } = await follow(lab, base, id);
    expect(last).toEqual({
      task_id: id,
      state: 'FAILURE',
      ready: true,
      successful: false,
      status: 'Failed',
      progress: 0,
      error: expect.stringContaining('Gemini'),
    });
    expect((await lab.call(base, `/api/tasks/${id}/result`)).status).toBe(404);
    expect(await lab.lab.get(id)).toMatchObject({ attempt: 1, error: { code } });
    expect(await rowsOf(id)).toEqual([]);
  },
);

test('who knows the id needs no key where the operator opens tasks, and still one for all else', async () => {
  gemini.replies.set('Rhinoplasty', painted(await makePhoto(), 'image/jpeg'));
  const made = await wait<Visualization>('rhinoplasty');
  expect(made.status).toBe(200);
  const id = await submit('rhinoplasty');
  await follow(lab, base, id);
  for (const path of ['status', 'result']) {
    expect((await lab.call(base, `/api/tasks/${id}/${path}`, { key: null })).status).toBe(200);
  }
  const { code } = await listen(base, `/api/ws/tasks/${id}`, null);
  expect(code).toBe(1000);
  const cancel = await lab.call(base, `/api/tasks/${id}/cancel`, { key: null, method: 'POST' });
  expect(cancel.body).toMatchObject({ status: 'error' });
  expect((await lab.call(base, `/api/visualizations/${made.body.id}`, { key: null })).status).toBe(401);
  expect((await lab.call(base, '/api/procedures', { key: null })).status).toBe(401);
});

test('with Postgres away a submit is 503 in a detail, and nothing is stored', async () => {
  const count = async () => (await lab.lab.sql('SELECT id FROM lovage.task')).length;
  const before = await count();
  await lab.stopPostgres();
  const refused = await wait('rhinoplasty');
  expect(refused).toMatchObject({ status: 503, body: { detail: expect.any(String) } });
  await lab.startPostgres();
  expect(await count()).toBe(before);
  expect(await lab.lab.violations()).toEqual([]);
});
