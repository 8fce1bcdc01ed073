import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'lovage';
import { openTestLovage, runTask, type TestLovage } from '../../../src/testing/index.ts';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { readPhoto } from '../../../packs/visuals/images/read-photo.ts';
import { storeImage } from '../../../packs/visuals/images/store-image.ts';
import { visuals } from '../../../packs/visuals/index.ts';
import { generateComparison } from '../../../packs/visuals/previews/generate-comparison.ts';
import { generateVisualization } from '../../../packs/visuals/previews/generate-visualization.ts';
import { comparisons, visualizations } from '../../../packs/visuals/schema/index.ts';
import { openStore } from '../../../packs/visuals/store/open.ts';
import { startGemini, type GeminiServer } from './gemini-server.ts';
import { makePhoto } from './photos.ts';

const MINUTE_MS = 60_000;
let lovage: TestLovage;
let gemini: GeminiServer;
let folder: string;
let image_id: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lovage-visuals-tasks-'));
  vi.stubEnv('VISUALS_STORE_DIR', folder);
  gemini = await startGemini();
  lovage = await openTestLovage(defineConfig({ packs: [visuals] }), { serverUrl: inject('serverUrl') });
  const photo = await readPhoto(await makePhoto(), 'image/jpeg');
  const owner = { tenant: 'default', keepDays: 30 };
  image_id = (await storeImage(lovage.db, openStore(), owner, photo)).id;
});
afterAll(async () => {
  await lovage[Symbol.asyncDispose]();
  await gemini[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

test('a service that fails is asked four times, after 60, 120 and 240 s', async () => {
  vi.stubEnv('GEMINI_API_KEY', 'the-key');
  vi.stubEnv('GEMINI_URL', gemini.url);
  gemini.replies.set('Rhinoplasty', { status: 503 });
  const task = await lovage.enqueue(generateVisualization, { image_id, procedure_id: 'rhinoplasty' });
  for (const [attempt, minutes] of [1, 2, 4].entries()) {
    await lovage.idle();
    expect(await lovage.get(task.id)).toMatchObject({ state: 'retrying', attempt: attempt + 1 });
    await lovage.advance(minutes * MINUTE_MS - 2000);
    await lovage.idle();
    expect(await lovage.get(task.id)).toMatchObject({ attempt: attempt + 1 });
    await lovage.advance(2000);
  }
  await lovage.idle();
  const error = { code: 'PainterError', message: expect.stringContaining('503') };
  expect(await lovage.get(task.id)).toMatchObject({ state: 'failed', attempt: 4, error });
  expect(gemini.calls).toHaveLength(4);
  vi.stubEnv('GEMINI_API_KEY', '');
});

test('the same task run twice leaves one preview, and the same files', async () => {
  const options = { id: '6f0e4c1e-1111-4222-8333-444455556666', db: lovage.db };
  const input = { image_id, procedure_ids: ['rhinoplasty', 'facelift'] };
  const first = await runTask(generateComparison, input, options);
  const second = await runTask(generateComparison, input, options);
  expect(second.output.id).toBe(first.output.id);
  const urls = ({ output }: typeof first) => output.procedures.map(({ after_image_url }) => after_image_url);
  expect(urls(second)).toEqual(urls(first));
  expect(await lovage.db.select().from(comparisons)).toHaveLength(1);
  expect(await lovage.db.select().from(visualizations)).toHaveLength(2);
});

test.each([
  ['an image', { image_id: '00000000-0000-4000-8000-000000000000' }, 'ImageNotFound'],
  ['a procedure', { procedure_id: 'nothing' }, 'ProcedureNotFound'],
  ['a patient', { patient_id: '00000000-0000-4000-8000-000000000000' }, 'PatientNotFound'],
])('%s that is not there fails at once under its own code', async (_what, change, code) => {
  const input = { image_id, procedure_id: 'facelift', ...change };
  const task = await lovage.run(generateVisualization, input);
  expect(task).toMatchObject({ state: 'failed', attempt: 1, error: { code } });
});

test('another tenant’s image is not there', async () => {
  const run = runTask(
    generateVisualization,
    { image_id, procedure_id: 'facelift' },
    { db: lovage.db, tenant: 'elsewhere' },
  );
  await expect(run).rejects.toMatchObject({ code: 'ImageNotFound' });
});

test('an image whose file has passed its age is no longer there', async () => {
  const photo = await readPhoto(await makePhoto({ width: 150, height: 150 }), 'image/jpeg');
  const stored = await storeImage(lovage.db, openStore(), { tenant: 'default', keepDays: 30 }, photo);
  await openStore().remove(stored.fileKey);
  const task = await lovage.run(generateVisualization, { image_id: stored.id, procedure_id: 'facelift' });
  expect(task).toMatchObject({ state: 'failed', error: { code: 'ImageNotFound' } });
});

test('the limits, the results’ hour, the queue and the process of a task are those of the contract', () => {
  for (const task of [generateVisualization, generateComparison]) {
    expect(task).toMatchObject({
      queue: 'visualizations',
      isolation: 'process',
      softLimitMs: 240_000,
      hardLimitMs: 300_000,
      resultTtlMs: 3_600_000,
      attempts: 4,
    });
  }
  expect(visuals.queues).toEqual({ visualizations: { concurrency: 4 }, exports: { concurrency: 2 } });
});
