import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../../src/config.ts';
import { migrateFor } from '../../src/open.ts';
import { definePack } from '../../src/pack.ts';
import { readSettings } from '../../src/settings/settings.ts';
import { defineTask, type Keeping } from '../../src/task.ts';
import { say } from '../cli/said.ts';
import { configFile, openLab, type Lab } from '../lab.ts';

const DAY = 86_400_000;
let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const define = (keeping: Keeping = {}) =>
  defineTask({
    name: 'kept.one',
    input: z.strictObject({}),
    output: z.null(),
    run: () => null,
    ...keeping,
  });
const configure = (own: Keeping = {}, queue: Keeping = {}) =>
  defineConfig({
    packs: [definePack({ name: 'kept', tasks: [define(own)] })],
    queues: { kept: queue },
  });
const published = async (own?: Keeping, queue?: Keeping, environment?: Keeping) => {
  await migrateFor(configure(own, queue), lab.url, { keeping: environment });
  return lab.sql(
    `SELECT archive_after_ms::float8 AS after, retention_ms::float8 AS kept FROM lovage.definition WHERE name = 'kept.one'
     UNION ALL SELECT archive_after_ms::float8, retention_ms::float8 FROM lovage.queue_control WHERE queue = 'kept'`,
  );
};

test('by default a task is archived after a day and kept for 90', async () => {
  expect(await published()).toEqual([
    { after: DAY, kept: 90 * DAY },
    { after: DAY, kept: 90 * DAY },
  ]);
});

test('a definition’s word goes before its queue’s, and that before the environment’s', async () => {
  const environment = { archiveAfterMs: 3, retentionMs: 30 };
  expect(await published({}, {}, environment)).toEqual([
    { after: 3, kept: 30 },
    { after: 3, kept: 30 },
  ]);
  expect(await published({}, { archiveAfterMs: 2 }, environment)).toEqual([
    { after: 2, kept: 30 },
    { after: 2, kept: 30 },
  ]);
  expect(
    await published(
      { archiveAfterMs: 1, retentionMs: 10 },
      { archiveAfterMs: 2, retentionMs: 20 },
      environment,
    ),
  ).toEqual([
    { after: 1, kept: 10 },
    { after: 2, kept: 20 },
  ]);
});

test('a queue’s time for results holds for definitions that say nothing; CELERY_RESULT_EXPIRES goes before it', async () => {
  const kept = async (own?: Keeping) => {
    await migrateFor(configure(own, { resultTtlMs: 20_000 }), lab.url);
    return lab.sql(`SELECT result_ttl_ms::float8 AS ms FROM lovage.definition WHERE name = 'kept.one'`);
  };
  expect(await kept()).toEqual([{ ms: 20_000 }]);
  expect(await kept({ resultTtlMs: 10_000 })).toEqual([{ ms: 10_000 }]);
  vi.stubEnv('CELERY_RESULT_EXPIRES', '30');
  expect(await kept()).toEqual([{ ms: 30_000 }]);
  expect(await kept({ resultTtlMs: 10_000 })).toEqual([{ ms: 10_000 }]);
  vi.unstubAllEnvs();
});

test('the partitions that a retention needs are there after the start', async () => {
  await published({ retentionMs: 400 * DAY });
  const rows = await lab.sql(
    `SELECT FROM lovage.attached_partitions() a CROSS JOIN generate_series(0, 3) ahead
     WHERE now() + interval '400 days' + ahead * interval '1 day' >= a.from_at AND now() + interval '400 days' + ahead * interval '1 day' < a.to_at`,
  );
  expect(rows).toHaveLength(4);
});

describe.each(['archiveAfterMs', 'retentionMs', 'resultTtlMs'] as const)('%s', (option) => {
  test.each([0, -1, NaN, Infinity, 1.5, 1e15])('of %s is refused, naming the definition', (value) => {
    expect(() => define({ [option]: value })).toThrow(new RegExp(`"kept.one".*${option}`));
  });
});

test.each([0, -1, NaN, 1e15])('a queue’s retention of %s is refused, naming the queue', (value) => {
  expect(() => configure({}, { retentionMs: value })).toThrow(/queue "kept": retentionMs/);
  expect(() => configure({}, { resultTtlMs: value })).toThrow(/queue "kept": resultTtlMs/);
  expect(() => configure({}, { archiveAfterMs: value })).toThrow(/queue "kept": archiveAfterMs/);
});

test.each(['definition', 'queue_control'])('psql cannot write nonsense into %s', async (table) => {
  for (const ms of ['0', '-1', '9223372036854775807'])
    for (const column of ['archive_after_ms', 'retention_ms'])
      await expect(lab.sql(`UPDATE lovage.${table} SET ${column} = ${ms}`)).rejects.toThrow(/_keeping/);
});

test('a command that only looks leaves the retention that the workers’ environment says', async () => {
  vi.stubEnv('DATABASE_URL', lab.url);
  vi.stubEnv('LOVAGE_CONFIG', configFile);
  const kept = () =>
    lab.sql(`SELECT DISTINCT retention_ms::float8 AS ms FROM lovage.definition WHERE name LIKE 'diag.%'
             UNION SELECT retention_ms::float8 FROM lovage.queue_control WHERE queue = 'diag'`);
  await lab.sql('UPDATE lovage.queue_control SET retention_ms = 172800000');
  await lab.sql(`UPDATE lovage.definition SET retention_ms = 172800000, version = 'theirs'`);
  expect(await say('archive', 'plan')).toMatchObject({ code: 0 });
  expect(await kept()).toEqual([{ ms: 172_800_000 }]);
  expect(await say('migrate')).toMatchObject({ code: 0 });
  expect(await kept()).toEqual([{ ms: 90 * DAY }]);
  vi.unstubAllEnvs();
});

test('a retention below the time until archiving is refused at the start, wherever each was said', async () => {
  await expect(published({ retentionMs: 1_000 })).rejects.toThrow(
    /"kept.one": retentionMs \(1000\) must not be below archiveAfterMs/,
  );
  await expect(
    published({ archiveAfterMs: 5_000 }, { retentionMs: 1_000, archiveAfterMs: 10 }),
  ).rejects.toThrow(/kept.one/);
});

test.each([
  'LOVAGE_ARCHIVE_AFTER_MS',
  'LOVAGE_RETENTION_MS',
  'LOVAGE_AUDIT_RETENTION_MS',
  'LOVAGE_HOUSEKEEPING_MS',
])('%s of zero, less or nonsense is refused in one line', (name) => {
  for (const value of ['0', '-1', 'NaN', 'soon', '99999999999999'])
    expect(() => readSettings({ [name]: value })).toThrow(new RegExp(`^${name}: [^\n]+$`));
});
