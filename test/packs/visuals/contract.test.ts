import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPackLab, type PackLab } from '../pack-lab.ts';
import {
  follow,
  listen,
  origin,
  upload,
  type Accepted,
  type Detail,
  type Image,
  type Status,
  type Visualization,
  type Wrapped,
} from './client.ts';
import { drawFace, FACES } from './draw-face.ts';
import { NOBODY, testRefusals } from './refusals.ts';
import { testSupportingRoutes, type Contract } from './supporting-routes.ts';

let lab: PackLab;
let folder: string;
let prefix: string;
let image: Image;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lovage-visuals-'));
  lab = await openPackLab({ env: { VISUALS_STORE_DIR: folder } });
  prefix = lab.url('visuals').prefix;
  image = (
    await upload(
      lab,
      prefix,
      await sharp(await drawFace(FACES.a))
        .resize(400)
        .jpeg()
        .toBuffer(),
    )
  ).body;
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const preview = <Body = Visualization>(body: object, query = '', key?: string) =>
  lab.call<Body>(prefix, `/api/visualizations${query}`, { body, ...(key !== undefined && { key }) });
const open = async (path: string) => fetch(`${origin(prefix)}${path}`);

test('under the prefix and at a port of its own the same routes answer, with links that follow', async () => {
  for (const base of Object.values(lab.url('visuals'))) {
    const accepted = await lab.call<Accepted>(base, '/api/visualizations?async_processing=true', {
      body: { image_id: image.id, procedure_id: 'rhinoplasty' },
    });
    expect(accepted.status).toBe(200);
    const mount = new URL(base).pathname.replace(/\/$/, '');
    expect(accepted.body).toEqual({
      task_id: expect.any(String),
      status: 'processing',
      message: expect.any(String),
      status_url: `${mount}/api/tasks/${accepted.body.task_id}/status`,
      websocket_url: `${mount}/api/ws/tasks/${accepted.body.task_id}`,
    });
    const { states, last } = await follow(lab, base, accepted.body.task_id);
    expect([...states].filter((state) => !['PENDING', 'PROCESSING', 'SUCCESS'].includes(state))).toEqual([]);
    expect(last).toEqual({
      task_id: accepted.body.task_id,
      state: 'SUCCESS',
      ready: true,
      successful: true,
      status: 'Completed',
      progress: 100,
      result: {
        ...last.result?.result,
        status: 'completed',
        progress: 100,
        result: expect.objectContaining({ procedure_id: 'rhinoplasty' }),
      },
    });
    expect(last.result?.after_image_url.startsWith(`${mount}/api/files/`)).toBe(true);
    const { body } = await lab.call<{ result: Wrapped<Visualization> }>(
      base,
      `/api/tasks/${accepted.body.task_id}/result`,
    );
    expect(body.result).toMatchObject({ status: 'completed', progress: 100, id: last.result?.id });
    expect(body.result.result.id).toBe(last.result?.id);
  }
});

test('waiting is the default, and the answer has its fields flat and below visualization', async () => {
  const { status, body } = await preview<Visualization & { status: string; visualization: Visualization }>({
    image_id: image.id,
    procedure_id: 'lip-augmentation',
  });
  expect(status).toBe(200);
  const { visualization, status: word, ...flat } = body;
  expect(word).toBe('completed');
  expect(visualization).toEqual(flat);
  expect(flat).toMatchObject({
    patient_id: null,
    procedure_name: 'Lip augmentation',
    confidence_score: 0,
    metadata: { model: 'compose' },
  });
  expect(flat.metadata.embedding.values).toHaveLength(64);
  expect(Math.hypot(...flat.metadata.embedding.values)).toBeCloseTo(1, 3);
  expect(Date.parse(flat.generated_at)).not.toBeNaN();

  const read = await lab.call<Visualization>(prefix, `/api/visualizations/${flat.id}`);
  expect(read.body).toMatchObject({ id: flat.id, status: 'completed', visualization: { id: flat.id } });
});

test('links open real pictures without a key, and nothing once a letter is changed', async () => {
  const { body } = await preview({ image_id: image.id, procedure_id: 'facelift' });
  for (const link of [body.before_image_url, body.after_image_url, body.metadata.sheet_url ?? '']) {
    const response = await open(link);
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    const picture = await sharp(Buffer.from(await response.arrayBuffer())).metadata();
    expect(picture.width).toBeGreaterThanOrEqual(400);
  }
  const link = new URL(body.after_image_url, prefix);
  const stranger = await fetch(`${link.origin}${link.pathname}`);
  expect(stranger.status).toBe(401);
  link.searchParams.set('link', `9${link.searchParams.get('link')}`);
  expect((await fetch(link)).status).toBe(403);
});

test('progress is 0, 20, 80, 100, and moves between 20 and 80 with each procedure compared', async () => {
  const milestones = async (id: string) => {
    const events = await lab.lab.events(id);
    return events.filter(({ type }) => type === 'progress').map(({ data }) => data['current']);
  };
  const one = await preview<Accepted>(
    { image_id: image.id, procedure_id: 'otoplasty' },
    '?async_processing=True',
  );
  await follow(lab, prefix, one.body.task_id);
  expect(await milestones(one.body.task_id)).toEqual([0, 20, 80, 100]);

  const procedure_ids = ['rhinoplasty', 'neck-lift', 'brow-lift'];
  const body = { source_image_id: image.id, procedure_ids };
  const many = await lab.call<Accepted>(prefix, '/api/visualizations/compare?async_processing=1', { body });
  await follow(lab, prefix, many.body.task_id);
  expect(await milestones(many.body.task_id)).toEqual([0, 20, 40, 60, 80, 100]);
});

test('a comparison tells what the procedures differ in, by the middle of their costs', async () => {
  const body = { source_image_id: image.id, procedure_ids: ['rhinoplasty', 'facelift', 'otoplasty'] };
  const compared = await lab.call<Record<string, unknown> & { id: string }>(
    prefix,
    '/api/visualizations/compare',
    { body },
  );
  expect(compared.status).toBe(200);
  expect(compared.body).toMatchObject({
    source_image_id: image.id,
    patient_id: null,
    procedures: [
      {
        procedure_id: 'rhinoplasty',
        procedure_name: 'Rhinoplasty',
        cost: 10_500,
        recovery_days: 14,
        risk_level: 'medium',
      },
      {
        procedure_id: 'facelift',
        procedure_name: 'Facelift',
        cost: 18_500,
        recovery_days: 21,
        risk_level: 'high',
      },
      {
        procedure_id: 'otoplasty',
        procedure_name: 'Otoplasty',
        cost: 5500,
        recovery_days: 7,
        risk_level: 'low',
      },
    ],
    cost_differences: {
      Rhinoplasty_vs_Facelift: 8000,
      Rhinoplasty_vs_Otoplasty: 5000,
      Facelift_vs_Otoplasty: 13_000,
    },
    recovery_differences: {
      Rhinoplasty_vs_Facelift: 7,
      Rhinoplasty_vs_Otoplasty: 7,
      Facelift_vs_Otoplasty: 14,
    },
    risk_differences: { Rhinoplasty_vs_Facelift: 'Facelift has the higher risk (high, against medium)' },
    metadata: { model: 'compose', procedure_count: 3 },
  });
  for (const path of [
    `/api/visualizations/comparisons/${compared.body.id}`,
    `/api/comparisons/${compared.body.id}`,
  ]) {
    const read = await lab.call<{ id: string; comparison: { procedures: Visualization[] } }>(prefix, path);
    expect(read.body.id).toBe(compared.body.id);
    const first = read.body.comparison.procedures[0] as Visualization & { visualization_id: string };
    expect((await open(first.after_image_url)).status).toBe(200);
    const single = await lab.call(prefix, `/api/visualizations/${first.visualization_id}`);
    expect(single.status).toBe(200);
  }
});

test('a socket tells the status at once and again until the task is done, then completes and closes', async () => {
  const body = {
    source_image_id: image.id,
    procedure_ids: ['rhinoplasty', 'neck-lift', 'brow-lift', 'facelift'],
  };
  const accepted = await lab.call<Accepted>(prefix, '/api/visualizations/compare?async_processing=true', {
    body,
  });
  const { messages, code } = await listen(prefix, `/api/ws/tasks/${accepted.body.task_id}`, lab.key);
  expect(code).toBe(1000);
  const types = messages.map(({ type }) => type);
  expect(types.at(-1)).toBe('complete');
  expect(types.slice(0, -1).every((type) => type === 'status')).toBe(true);
  const percents = messages.map(({ data }) => data.progress);
  expect(percents).toEqual(percents.toSorted((a, b) => a - b));
  expect(messages.at(-1)?.data).toMatchObject({ state: 'SUCCESS', progress: 100, ready: true });

  const late = await listen(prefix, `/api/ws/tasks/${accepted.body.task_id}`, lab.key);
  expect(late.messages.at(-1)).toMatchObject({ type: 'complete', data: { state: 'SUCCESS' } });
});

test('a socket for an unknown task is told so and closed with 4404, one without a key with 4401', async () => {
  const unknown = await listen(prefix, `/api/ws/tasks/${NOBODY}`, lab.key);
  expect(unknown).toMatchObject({ code: 4404, messages: [{ type: 'error' }] });
  const keyless = await listen(prefix, `/api/ws/tasks/${NOBODY}`, null);
  expect(keyless).toMatchObject({ code: 4401, messages: [{ type: 'error' }] });
});

test('without a key nothing is answered', async () => {
  const paths = ['/api/procedures', `/api/images/${image.id}`, `/api/tasks/${NOBODY}/status`];
  for (const path of paths) {
    const refused = await lab.call<Detail>(prefix, path, { key: null });
    expect(refused).toMatchObject({ status: 401, body: { detail: expect.any(String) } });
  }
});

test('a finished task cannot be cancelled, and says so with status error', async () => {
  const accepted = await preview<Accepted>(
    { image_id: image.id, procedure_id: 'facelift' },
    '?async_processing=true',
  );
  const { task_id } = accepted.body;
  await follow(lab, prefix, task_id);
  const { status, body } = await lab.call(prefix, `/api/tasks/${task_id}/cancel`, { method: 'POST' });
  expect({ status, body }).toEqual({
    status: 200,
    body: { task_id, status: 'error', message: expect.any(String) },
  });
  expect((await lab.call<Status>(prefix, `/api/tasks/${task_id}/status`)).body.state).toBe('SUCCESS');
});

const contract: Contract = { lab: () => lab, prefix: () => prefix, image: () => image };
testRefusals(contract);
testSupportingRoutes(contract);
