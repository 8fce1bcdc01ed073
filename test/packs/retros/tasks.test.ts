import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest';
import { retros } from '../../../packs/retros/index.ts';
import { analysisReport, experiment, hypothesis, metricsSnapshot } from '../../../packs/retros/schema.ts';
import { cleanupReports } from '../../../packs/retros/tasks/cleanup-reports.ts';
import { generateReport } from '../../../packs/retros/tasks/generate-report.ts';
import { syncMetrics } from '../../../packs/retros/tasks/sync-metrics.ts';
import { storeSprints } from '../../../packs/retros/store/snapshots.ts';
import { defineConfig } from '../../../src/config.ts';
import { openTestLovage, runTask, type TestLovage } from '../../../src/testing/index.ts';
import { makeRecord, makeSprint, sprintsOf } from './make-sprint.ts';
import { json, openService, type Service } from './open-service.ts';

let lovage: TestLovage;
let service: Service;
beforeAll(async () => {
  service = await openService();
  lovage = await openTestLovage(defineConfig({ packs: [retros] }), { serverUrl: inject('serverUrl') });
});
afterAll(async () => {
  await lovage[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await lovage.db.execute(sql`TRUNCATE pack_retros.metrics_snapshots, pack_retros.analysis_reports CASCADE`);
});
afterEach(() => vi.unstubAllEnvs());

const useApi = () => vi.stubEnv('EXTERNAL_METRICS_API_URL', service.url);
const store = (values: readonly number[], tenant = 'default') =>
  storeSprints(lovage.db, { tenant, sprints: sprintsOf('review_time', ...values), replace: true });
const countRows = async () => ({
  reports: await lovage.db.$count(analysisReport),
  hypotheses: await lovage.db.$count(hypothesis),
  experiments: await lovage.db.$count(experiment),
});

test('a sync creates what is new, skips what is stored, and replaces it when forced', async () => {
  useApi();
  service.answer((response) =>
    json(response, 200, [makeRecord(1, { review_time: 1 }), makeRecord(2, { review_time: 1 })]),
  );
  const first = await lovage.run(syncMetrics, {});
  expect(first.result).toMatchObject({ status: 'success', sprints_fetched: 2, created: 2, source: 'api' });

  service.answer((response) =>
    json(response, 200, [makeRecord(2, { review_time: 9 }), makeRecord(3, { review_time: 9 })]),
  );
  const second = await lovage.run(syncMetrics, {});
  expect(second.result).toMatchObject({ created: 1, updated: 0, skipped: 1 });
  const third = await lovage.run(syncMetrics, { force_refresh: true });
  expect(third.result).toMatchObject({ created: 0, updated: 2, skipped: 0, sprint_ids: ['s-2', 's-3'] });

  const rows = await lovage.db.select().from(metricsSnapshot).orderBy(metricsSnapshot.sprintId);
  expect(rows.map(({ sprintId, metricsData }) => [sprintId, metricsData.review_time])).toEqual([
    ['s-1', 1],
    ['s-2', 9],
    ['s-3', 9],
  ]);
});

test('a service that sends more than was asked for gives the latest', async () => {
  useApi();
  service.answer((response) =>
    json(
      response,
      200,
      [3, 1, 4, 2].map((at) => makeRecord(at)),
    ),
  );
  const { result } = await lovage.run(syncMetrics, { sprint_count: 2, team_id: 'blue' });
  expect(result).toMatchObject({ sprints_fetched: 2, sprint_ids: ['s-3', 's-4'] });
  expect(service.received.at(-1)?.path).toBe('/sprints?count=2&team_id=blue');
});

test('one bad record stores none', async () => {
  useApi();
  service.answer((response) => json(response, 200, [makeRecord(1), makeRecord(2, { team_happiness: 99 })]));
  const task = await lovage.run(syncMetrics, {});
  expect(task).toMatchObject({ state: 'failed', attempt: 1, error: { code: 'InvalidSprintRecord' } });
  expect(await lovage.db.$count(metricsSnapshot)).toBe(0);
});

test('a service in trouble is asked again after 60, 120 and 240 s, and then the task has failed', async () => {
  useApi();
  service.answer((response) => json(response, 503, {}));
  const { id } = await lovage.enqueue(syncMetrics, {});
  for (const waitMs of [60_000, 120_000, 240_000]) {
    await lovage.idle();
    const task = await lovage.get(id);
    expect(task).toMatchObject({ state: 'retrying', error: { code: 'MetricsApiError' } });
    expect(Math.abs(Date.parse(task.dueAt) - Date.now() - waitMs)).toBeLessThan(15_000);
    await lovage.advance(waitMs);
  }
  await lovage.idle();
  expect(await lovage.get(id)).toMatchObject({ state: 'failed', attempt: 4 });
});

test('without a source the demo’s sprints are stored, and say so in every row', async () => {
  const { result } = await lovage.run(syncMetrics, { sprint_count: 20 });
  expect(result).toMatchObject({ created: 20, source: 'demo' });
  const rows = await lovage.db.select().from(metricsSnapshot);
  expect(rows.every(({ metricsData }) => metricsData.source === 'demo')).toBe(true);
});

test('a report is stored with its hypotheses and experiments, and its progress is told', async () => {
  await lovage.run(syncMetrics, {});
  const task = await lovage.run(generateReport, { custom_context: 'Two people joined.' });
  expect(task.result).toMatchObject({
    status: 'success',
    report_id: task.id,
    sprints_analyzed: 5,
    hypotheses_count: 3,
    experiments_count: 3,
  });
  const steps = (await lovage.events(task.id)).filter(({ type }) => type === 'progress');
  expect(steps.map(({ data }) => data['current'])).toEqual([10, 40, 60, 80, 100]);
  const [row] = await lovage.db.select().from(analysisReport);
  expect(row).toMatchObject({ id: task.id, taskId: task.id, tenant: 'default' });
  expect(row?.reportData.generated_at).toBe(row?.reportDate.toISOString());
  expect(row?.reportData.metadata).toMatchObject({ sources: ['demo'], text_by: 'assembler' });
  expect(row?.summary).toContain('Two people joined.');
  expect(await countRows()).toEqual({ reports: 1, hypotheses: 3, experiments: 3 });
});

test('the latest sprints are read oldest first, and named ones win over their count', async () => {
  await store([10, 10, 10, 20, 30, 40]);
  const latest = await lovage.run(generateReport, { sprint_count: 3 });
  expect(latest.result?.headline).toContain('Sprint 6');
  expect(latest.result?.headline).toContain('up 60 % to 40 h');
  const named = await lovage.run(generateReport, { sprint_count: 5, sprint_ids: ['s-4', 's-1', 's-4'] });
  expect(named.result).toMatchObject({ sprints_analyzed: 2 });
  const rows = await lovage.db.select().from(analysisReport);
  expect(rows.map(({ sprintIds }) => sprintIds)).toContainEqual(['s-1', 's-4']);
});

test('fewer than two sprints are too few, unknown ones are named; neither is tried again nor stored', async () => {
  expect(await lovage.run(generateReport, {})).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: { code: 'InsufficientData', message: expect.stringMatching(/^Insufficient data/) as string },
  });
  await store([10]);
  expect((await lovage.run(generateReport, { sprint_ids: ['s-1'] })).error?.code).toBe('InsufficientData');
  expect((await lovage.run(generateReport, { sprint_ids: ['s-1', 's-9'] })).error).toMatchObject({
    code: 'UnknownSprints',
    message: 'Unknown sprint_ids: s-9. Sync their metrics first',
  });
  expect(await countRows()).toEqual({ reports: 0, hypotheses: 0, experiments: 0 });
});

test('a tenant’s sprints and reports are nobody else’s', async () => {
  await store([10, 20], 'other');
  await expect(runTask(generateReport, {}, { db: lovage.db })).rejects.toThrow('Insufficient data');
  const { output } = await runTask(generateReport, {}, { db: lovage.db, tenant: 'other' });
  expect(output.sprints_analyzed).toBe(2);
  const both = await runTask(syncMetrics, { sprint_count: 1 }, { db: lovage.db, tenant: 'third' });
  expect(both.output.created).toBe(1);
});

test('velocity is a name for completed points, and an unknown metric is refused', async () => {
  await storeSprints(lovage.db, {
    tenant: 'default',
    sprints: [40, 30].map((points, at) => makeSprint(at + 1, { story_points_completed: points })),
    replace: true,
  });
  const { id } = await lovage.run(generateReport, { focus_metrics: ['velocity', 'story_points_completed'] });
  const [row] = await lovage.db.select().from(analysisReport);
  expect([row?.id, row?.reportData.focus_metrics]).toEqual([id, ['story_points_completed']]);
  await expect(
    lovage.enqueue(generateReport, { focus_metrics: ['speed' as 'velocity'] }),
  ).rejects.toMatchObject({
    code: 'validation',
    faults: [{ pointer: '/focus_metrics/0' }],
  });
});

test('a task that runs again leaves one report', async () => {
  await store([10, 20]);
  const id = crypto.randomUUID();
  for (const attempt of [1, 2]) await runTask(generateReport, {}, { db: lovage.db, id, attempt });
  expect(await countRows()).toEqual({ reports: 1, hypotheses: 1, experiments: 1 });
});

test('a report whose experiments cannot be written is not written at all', async () => {
  await store([10, 20]);
  await lovage.db.execute(
    sql`ALTER TABLE pack_retros.experiments ADD CONSTRAINT refuse CHECK (title = '') NOT VALID`,
  );
  try {
    const { id } = await lovage.enqueue(generateReport, {});
    await lovage.idle();
    expect(await lovage.get(id)).toMatchObject({ state: 'failed', attempt: 1, result: null });
    expect(await countRows()).toEqual({ reports: 0, hypotheses: 0, experiments: 0 });
  } finally {
    await lovage.db.execute(sql`ALTER TABLE pack_retros.experiments DROP CONSTRAINT refuse`);
  }
});

async function makeOld(days: number, tenant = 'default'): Promise<void> {
  const { output } = await runTask(generateReport, {}, { db: lovage.db, tenant });
  await lovage.db.execute(
    sql`UPDATE pack_retros.analysis_reports SET report_date = now() - make_interval(days => ${days}) WHERE id = ${output.report_id}`,
  );
}

test('reports older than days_to_keep go, with their hypotheses and experiments', async () => {
  await store([10, 20]);
  for (const days of [100, 91, 89, 0]) await makeOld(days);
  const { result } = await lovage.run(cleanupReports, {});
  expect(result).toMatchObject({ status: 'success', deleted: 2 });
  expect(Math.abs(Date.parse(result?.cutoff_date ?? '') - Date.now() + 90 * 86_400_000)).toBeLessThan(15_000);
  expect(await countRows()).toEqual({ reports: 2, hypotheses: 2, experiments: 2 });
  expect((await lovage.run(cleanupReports, { days_to_keep: 1 })).result?.deleted).toBe(1);
  expect((await lovage.run(cleanupReports, {})).result?.deleted).toBe(0);
});

test('a tenant clears up its own reports only, and the house others’ only past 90 days', async () => {
  await store([10, 20], 'a');
  await store([10, 20], 'b');
  for (const tenant of ['a', 'b']) await makeOld(50, tenant);
  await runTask(cleanupReports, { days_to_keep: 10 }, { db: lovage.db, tenant: 'a' });
  const left = await lovage.db.select({ tenant: analysisReport.tenant }).from(analysisReport);
  expect(left).toEqual([{ tenant: 'b' }]);
  expect((await lovage.run(cleanupReports, { days_to_keep: 1 })).result?.deleted).toBe(0);
  await lovage.db.execute(
    sql`UPDATE pack_retros.analysis_reports SET report_date = now() - interval '91 days'`,
  );
  expect((await lovage.run(cleanupReports, {})).result?.deleted).toBe(1);
});

test('the clean-up runs by itself every day', async () => {
  await store([10, 20]);
  await makeOld(91);
  await lovage.advance(24 * 3_600_000);
  await lovage.idle();
  expect(await countRows()).toMatchObject({ reports: 0 });
});

test('input out of range is refused before a task is made', async () => {
  for (const input of [{ sprint_count: 1 }, { sprint_count: 21 }, { sprint_count: 2.5 }])
    await expect(lovage.enqueue(generateReport, input)).rejects.toMatchObject({ code: 'validation' });
  for (const input of [{ sprint_count: 0 }, { sprint_count: 21 }, { team_id: '' }])
    await expect(lovage.enqueue(syncMetrics, input)).rejects.toMatchObject({ code: 'validation' });
  await expect(lovage.enqueue(cleanupReports, { days_to_keep: 0 })).rejects.toMatchObject({
    code: 'validation',
  });
});

test('limits and times to live are those of the old system', () => {
  for (const task of retros.tasks) {
    expect(task).toMatchObject({
      softLimitMs: 25 * 60_000,
      hardLimitMs: 30 * 60_000,
      resultTtlMs: 3_600_000,
      attempts: 4,
    });
  }
  expect(retros.queues).toEqual({ metrics: { concurrency: 4 }, reports: { concurrency: 4 } });
});

test('what a task came to can be read for an hour; then its id is unknown, and cannot be revoked', async () => {
  const { id } = await lovage.run(cleanupReports, {});
  const { url, apiKey } = await lovage.serve();
  const ask = async (method: string, path: string) =>
    (await fetch(`${url}/retros/tasks/${path}`, { method, headers: { 'x-api-key': apiKey } })).status;
  await lovage.advance(59 * 60_000);
  expect(await ask('GET', `status/${id}`)).toBe(200);
  await lovage.advance(2 * 60_000);
  expect(await ask('GET', `status/${id}`)).toBe(404);
  expect(await ask('DELETE', id)).toBe(404);
});
