import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { extractText } from 'unpdf';
import { openPackLab, type PackLab } from '../pack-lab.ts';
import {
  followTask,
  preparePatient,
  PROFILE,
  startAndWaitFor,
  unreferenced,
  type Cost,
  type Drawn,
  type Export,
  type Status,
} from './exports-client.ts';

const NOBODY = '00000000-0000-4000-8000-000000000000';
let lab: PackLab;
let folder: string;
let base: string;
let has: Awaited<ReturnType<typeof preparePatient>>;
let stranger: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lovage-exports-'));
  lab = await openPackLab({ env: { VISUALS_STORE_DIR: folder }, queues: ['exports', 'visualizations'] });
  base = lab.url('visuals').prefix;
  has = await preparePatient(lab, base);
  stranger = await lab.keyFor(['read', 'enqueue'], 'elsewhere');
});

afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const request = (more: object = {}) => ({ patient_id: has.patient.id, format: 'pdf', ...more });
const ask = <Body = Export>(body: object, query = '', key = lab.key) =>
  lab.call<Body>(base, `/api/exports${query}`, { body, key });
const open = async (path: string) => fetch(new URL(path, base));
const textOf = async (pdf: Uint8Array) => (await extractText(new Uint8Array(pdf), { mergePages: true })).text;
const firstBytes = { pdf: '%PDF-', png: '\u0089PNG', jpeg: '\u00ff\u00d8\u00ff', json: '{' };
const types = { pdf: 'application/pdf', png: 'image/png', jpeg: 'image/jpeg', json: 'application/json' };

test.for(['pdf', 'png', 'jpeg', 'json'] as const)(
  'a client who waits gets an export as %s, and its file by link or by key',
  async (format) => {
    const { status, body } = await ask(request({ format }));
    const [path] = body.download_url.split('?');
    expect(path).toBe(`/visuals/api/exports/${body.id}/download`);
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        id: expect.any(String),
        patient_id: has.patient.id,
        patient_name: PROFILE.name,
        format,
        shareable: false,
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        status: 'completed',
        download_url: expect.any(String),
        metadata: {
          download_url: expect.stringContaining(String(path)),
          content_type: types[format],
          size_bytes: expect.any(Number),
        },
      },
    });
    const again = await lab.call<Export>(base, `/api/exports/${body.id}`);
    expect(again.body).toMatchObject({
      id: body.id,
      patient_name: PROFILE.name,
      created_at: body.created_at,
    });

    const byKey = await lab.call(base, `/api/exports/${body.id}/download`);
    const byLink = await open(body.download_url);
    expect(Buffer.from(await byLink.arrayBuffer()).equals(byKey.bytes)).toBe(true);
    expect(byKey.bytes.length).toBe(body.metadata.size_bytes);
    expect(byKey.bytes.toString('latin1').startsWith(firstBytes[format])).toBe(true);
    expect(byKey.headers.get('content-type')).toBe(types[format]);
    expect(byKey.headers.get('content-disposition')).toBe(
      `attachment; filename="report-${body.id}.${format}"`,
    );
  },
);

test('a file opens neither without key nor by a link that was changed, nor for another tenant', async () => {
  const { body } = await ask(request({ format: 'json' }));
  expect((await open(`/visuals/api/exports/${body.id}/download`)).status).toBe(401);
  expect((await open(body.download_url.replace(body.id, NOBODY))).status).toBe(403);
  for (const path of ['', '/download']) {
    const foreign = await lab.call(base, `/api/exports/${body.id}${path}`, { key: stranger });
    expect(foreign).toMatchObject({ status: 403, body: { detail: expect.any(String) } });
    expect((await lab.call(base, `/api/exports/${NOBODY}${path}`)).status).toBe(404);
    expect((await lab.call(base, `/api/exports/no-id${path}`)).status).toBe(404);
  }
});

test('a file that was removed meanwhile is 404, in words', async () => {
  const { body } = await ask(request({ format: 'json' }));
  const [row] = await lab.lab.sql<{ file_key: string }>(
    'SELECT file_key FROM pack_visuals.exports WHERE id = $1',
    [body.id],
  );
  const key = row?.file_key ?? '';
  await rm(join(folder, key.slice(0, 2), key));
  const gone = await lab.call(base, `/api/exports/${body.id}/download`);
  expect(gone).toMatchObject({ status: 404, body: { detail: 'The file of this export is no longer kept' } });
});

test('a client who does not wait follows the task to its result, over 10, 30, 90 and 100 percent', async () => {
  const { status, body } = await ask<Status>(request(), '?async_processing=true');
  const id = body.task_id;
  expect({ status, body }).toEqual({
    status: 200,
    body: {
      task_id: id,
      status: 'processing',
      message: expect.any(String),
      status_url: `/visuals/api/tasks/${id}/status`,
      websocket_url: `/visuals/api/ws/tasks/${id}`,
    },
  });
  expect(await followTask(lab, base, id)).toMatchObject({
    state: 'SUCCESS',
    progress: 100,
    result: { id, status: 'completed', result: { id } },
  });
  const events = await lab.lab.events(id);
  const steps = events.filter(({ type }) => type === 'progress').map(({ data }) => data['current']);
  expect(steps).toEqual([10, 30, 90, 100]);
  const { body: ended } = await lab.call<{ result: Export }>(base, `/api/tasks/${id}/result`);
  const file = await open(ended.result.download_url);
  expect(await textOf(new Uint8Array(await file.arrayBuffer()))).toContain(`Prepared for ${PROFILE.name}`);
});

test('a shareable export says neither in its file nor in its answer who it is about', async () => {
  const { body } = await ask(request({ shareable: true }));
  expect(body).toMatchObject({ shareable: true, patient_name: null });
  const { bytes } = await lab.call(base, `/api/exports/${body.id}/download`);
  const text = await textOf(bytes);
  expect(text).toContain('Rhinoplasty');
  for (const secret of ['Zoë', 'POL-4711', 'Sample Mutual', 'Asthma', 'Insurance pays'])
    expect(text).not.toContain(secret);
  expect((await lab.call<Export>(base, `/api/exports/${body.id}`)).body.patient_name).toBeNull();
});

interface Told {
  disclaimer: string;
  visualizations: { id: string }[];
  comparisons: { id: string }[];
  cost_estimates: { id: string }[];
}

async function tell(more: object): Promise<Told> {
  const { body } = await ask(request({ format: 'json', ...more }));
  return (await lab.call<Told>(base, `/api/exports/${body.id}/download`)).body;
}

test('flags and ids say what an export holds; null means all', async () => {
  const all = await tell({ visualization_ids: null });
  expect(all.disclaimer).toContain('not medical advice');
  expect(all.comparisons.map(({ id }) => id)).toEqual([has.comparison.id]);
  expect(all.cost_estimates.map(({ id }) => id)).toEqual([has.cost.id]);
  expect(all.visualizations.map(({ id }) => id)).toContain(has.visualization.id);
  expect(all.visualizations.length).toBeGreaterThan(1);

  const some = await tell({ visualization_ids: [has.visualization.id], include_comparisons: false });
  expect(some.visualizations.map(({ id }) => id)).toEqual([has.visualization.id]);
  expect(some.comparisons).toEqual([]);
  expect((await tell({ cost_breakdown_ids: [] })).cost_estimates).toEqual([]);
});

test('what cannot be exported is refused in words: 404, 403, 400 and 422', async () => {
  expect(await ask(request({ patient_id: NOBODY }))).toMatchObject({
    status: 404,
    body: { detail: 'Patient not found' },
  });
  expect((await ask(request({ patient_id: 'nobody' }))).status).toBe(404);
  expect((await ask(request(), '', stranger)).status).toBe(403);
  const named = await ask(request({ comparison_ids: [NOBODY] }));
  expect(named).toMatchObject({ status: 404, body: { detail: `Comparison ${NOBODY} not found` } });
  const { body: empty } = await lab.call<{ id: string }>(base, '/api/profiles', { body: PROFILE });
  const nothing = { patient_id: empty.id, format: 'png' };
  expect(await ask(nothing)).toMatchObject({
    status: 400,
    body: { detail: expect.stringContaining('no data to export') },
  });
  const { body } = await ask<Status>(nothing, '?async_processing=true');
  expect(await followTask(lab, base, body.task_id)).toMatchObject({
    state: 'FAILURE',
    error: expect.stringContaining('no data to export'),
  });
  expect(await ask(request({ format: 'docx' }))).toMatchObject({
    status: 422,
    body: { detail: [{ loc: ['body', 'format'], msg: expect.stringContaining('pdf'), type: 'value_error' }] },
  });
  expect((await ask({ format: 'pdf' })).status).toBe(422);
});

const estimate = <Body = Cost>(body: object, key = lab.key) =>
  lab.call<Body>(base, '/api/costs/estimate', { body, key });

test('an estimate is 201 and can be read again; what it cannot be made of is refused', async () => {
  const { status, body } = await estimate({ procedure_id: 'rhinoplasty', region: 'west' });
  expect(status).toBe(201);
  expect(Object.values(body.fees).reduce((sum, fee) => sum + fee)).toBe(body.total_cost);
  expect(body.coverage).toMatchObject({ insurance_pays: 0, patient_pays: body.total_cost });
  expect((await lab.call(base, `/api/costs/${body.id}`)).body).toEqual(body);
  expect((await lab.call(base, `/api/costs/${body.id}`, { key: stranger })).status).toBe(403);
  expect((await lab.call(base, `/api/costs/${NOBODY}`)).status).toBe(404);
  expect((await estimate({ procedure_id: 'none' })).status).toBe(404);
  expect((await estimate({ procedure_id: 'rhinoplasty', patient_id: has.patient.id }, stranger)).status).toBe(
    403,
  );
  for (const wrong of [{ region: 'moon' }, { insurance: { coverage_percent: 101 } }, { procedure_id: 7 }])
    expect((await estimate({ procedure_id: 'rhinoplasty', ...wrong })).status).toBe(422);
});

test('the infographic of an estimate is a link or, for who accepts images, the picture; it is drawn once', async () => {
  const path = `/api/costs/${has.cost.id}/infographic`;
  const { status, body } = await lab.call<Drawn>(base, path);
  expect({ status, body }).toEqual({
    status: 200,
    body: {
      cost_id: has.cost.id,
      infographic_url: expect.stringContaining('/visuals/api/files/'),
      format: 'png',
      width: 1200,
      height: 800,
    },
  });
  const picture = Buffer.from(await (await open(body.infographic_url)).arrayBuffer());
  expect(await sharp(picture).metadata()).toMatchObject({ format: 'png', width: 1200, height: 800 });
  const bytes = await lab.call(base, path, { headers: { accept: 'image/png,image/*;q=0.8' } });
  expect(bytes.headers.get('content-type')).toBe('image/png');
  expect(bytes.bytes.equals(picture)).toBe(true);
  const tasks = () =>
    lab.lab.sql(
      `SELECT id FROM lovage.task WHERE name = 'visuals.generateCostInfographic' AND state = 'succeeded'`,
    );
  expect(await tasks()).toHaveLength(1);

  const jpeg = await lab.call(base, `${path}?format=jpeg`, { headers: { accept: 'image/*' } });
  expect(await sharp(jpeg.bytes).metadata()).toMatchObject({ format: 'jpeg', width: 1200, height: 800 });
});

test('POST draws an infographic, at once or as a task; what is no estimate or format is refused', async () => {
  const path = `/api/costs/${has.cost.id}/infographic`;
  const drawn = await lab.call<Drawn>(base, path, { method: 'POST' });
  expect(drawn).toMatchObject({ status: 200, body: { cost_id: has.cost.id, format: 'png' } });
  const { body } = await lab.call<Status>(base, `${path}?format=jpeg&async_processing=True`, {
    method: 'POST',
  });
  expect(body).toMatchObject({ status: 'processing' });
  const last = await followTask(lab, base, body.task_id);
  expect(last).toMatchObject({ state: 'SUCCESS', result: { format: 'jpeg', width: 1200 } });
  for (const method of ['GET', 'POST']) {
    expect(await lab.call(base, `${path}?format=gif`, { method })).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ['query', 'format'] }] },
    });
    expect((await lab.call(base, `/api/costs/${NOBODY}/infographic`, { method })).status).toBe(404);
    expect((await lab.call(base, path, { method, key: stranger })).status).toBe(403);
  }
});

test('a worker that is killed before a file is announced, or before its row commits, leaves one export after the rerun', async () => {
  const startUntilBlocked = (table: string) =>
    startAndWaitFor(lab, table, () => ask<Status>(request(), '?async_processing=true'));
  const blocker = await lab.lab.lovage.pool.connect();
  await blocker.query('BEGIN; LOCK TABLE pack_visuals.exports IN EXCLUSIVE MODE');
  const ids = [await startUntilBlocked('exports')];
  await blocker.query('LOCK TABLE pack_visuals.artefacts IN EXCLUSIVE MODE');
  ids.push(await startUntilBlocked('artefacts'));
  await lab.restartWorker();
  await blocker.query('ROLLBACK');
  blocker.release();
  for (const id of ids) {
    const last = await followTask(lab, base, id);
    expect(last).toMatchObject({ state: 'SUCCESS', result: { id, status: 'completed', result: { id } } });
    expect((await open(last.result.download_url)).status).toBe(200);
    const uses = await lab.lab.sql('SELECT 1 FROM pack_visuals.artefact_uses WHERE owner = $1', [
      `export/${id}`,
    ]);
    expect(uses).toHaveLength(1);
  }
  expect(await unreferenced(lab, folder)).toEqual([]);
  expect(await lab.lab.violations()).toEqual([]);
});

test('while Postgres is away an export is refused with 503, and nothing is kept', async () => {
  await lab.stopPostgres();
  expect(await ask(request())).toMatchObject({ status: 503, body: { detail: expect.any(String) } });
  await lab.startPostgres();
});
