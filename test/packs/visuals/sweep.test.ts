import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { defineConfig } from 'lovage';
import { openTestLovage, type TestLovage } from '../../../src/testing/index.ts';
import { afterAll, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest';
import { visuals } from '../../../packs/visuals/index.ts';
import type { ArtefactStore } from '../../../packs/visuals/store/artefact-store.ts';
import { keepArtefact, useArtefacts } from '../../../packs/visuals/store/keep-artefact.ts';
import { openStore } from '../../../packs/visuals/store/open.ts';
import { removeExpiredFiles } from '../../../packs/visuals/sweep/remove-expired-files.ts';
import { sweepArtefacts } from '../../../packs/visuals/sweep/sweep-artefacts.ts';

let lovage: TestLovage;
let folder: string;
let store: ArtefactStore;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lovage-sweep-'));
  vi.stubEnv('VISUALS_STORE_DIR', folder);
  lovage = await openTestLovage(defineConfig({ packs: [visuals] }), { serverUrl: inject('serverUrl') });
  store = openStore();
});
afterAll(async () => {
  await lovage[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await lovage.db.execute(sql`DELETE FROM pack_visuals.artefact_uses`);
  await lovage.db.execute(sql`DELETE FROM pack_visuals.artefacts`);
  await rm(folder, { recursive: true, force: true });
});

const file = (text: string) => ({ bytes: Buffer.from(text), contentType: 'application/json' as const });
const keep = (text: string) => keepArtefact(lovage.db, store, file(text));
const use = (key: string, keepDays = 30) =>
  useArtefacts(lovage.db, [{ key, tenant: 'default', owner: 'image/1', keepDays }]);
/** With no file too young. */
const sweep = (over: Partial<Parameters<typeof sweepArtefacts>[0]> = {}) =>
  sweepArtefacts({ db: lovage.db, store, signal: new AbortController().signal, youngMs: -1000, ...over });
const isKept = async (key: string): Promise<boolean> => (await store.get(key)) !== undefined;
const rows = async () => (await lovage.db.execute(sql`SELECT key FROM pack_visuals.artefacts`)).rows;

test('a file that nothing refers to goes with its row; one that is used stays', async () => {
  const [unused, used] = [await keep('unused'), await keep('used')];
  await use(used);
  expect(await sweep()).toBe(1);
  expect([await isKept(unused), await isKept(used)]).toEqual([false, true]);
  expect(await rows()).toEqual([{ key: used }]);
});

test('a file past its age goes, though rows still name it', async () => {
  const key = await keep('old');
  await use(key, -1);
  expect(await sweep()).toBe(1);
  expect(await isKept(key)).toBe(false);
});

test('a file that was only just announced stays, used or not', async () => {
  const key = await keep('young');
  expect(await sweep({ youngMs: 60_000 })).toBe(0);
  expect(await isKept(key)).toBe(true);
});

test('an old file that is announced again counts as young', async () => {
  const key = await keep('twice');
  await lovage.db.execute(sql`UPDATE pack_visuals.artefacts SET put_at = now() - interval '1 day'`);
  await keep('twice');
  expect(await sweep({ youngMs: 60_000 })).toBe(0);
  expect(await isKept(key)).toBe(true);
});

test('a file without a row, as a restored database leaves it, goes as well', async () => {
  const key = await store.put(Buffer.from('stray'), 'application/json');
  expect(await sweep()).toBe(1);
  expect(await isKept(key)).toBe(false);
});

test('whoever writes the same bytes while they are removed waits, and has its file afterwards', async () => {
  const key = await keep('again');
  const removing = Promise.withResolvers<void>();
  const mayRemove = Promise.withResolvers<void>();
  const slow = {
    ...store,
    async remove(removed: string) {
      removing.resolve();
      await mayRemove.promise;
      await store.remove(removed);
    },
  };
  const sweeping = sweep({ store: slow });
  await removing.promise;
  const keeping = keep('again');
  const blocked = () =>
    lovage.db.execute(
      sql`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
    );
  await vi.waitUntil(async () => (await blocked()).rows.length > 0, { timeout: 10_000 });
  mayRemove.resolve();
  expect(await sweeping).toBe(1);
  expect(await keeping).toBe(key);
  expect(await isKept(key)).toBe(true);
  expect(await rows()).toEqual([{ key }]);
});

test('a file that is taken into use between the two looks of the sweep stays', async () => {
  const key = await keep('late');
  const taken = Promise.withResolvers<void>();
  const mayCommit = Promise.withResolvers<void>();
  const using = lovage.db.transaction(async (tx) => {
    await useArtefacts(tx, [{ key, tenant: 'default', owner: 'export/1', keepDays: 30 }]);
    taken.resolve();
    await mayCommit.promise;
  });
  await taken.promise;
  const sweeping = sweep();
  const blocked = () =>
    lovage.db.execute(
      sql`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
    );
  await vi.waitUntil(async () => (await blocked()).rows.length > 0, { timeout: 10_000 });
  mayCommit.resolve();
  await using;
  expect(await sweeping).toBe(0);
  expect(await isKept(key)).toBe(true);
});

test('a store that fails to remove a file keeps its row, so that the next sweep tries again', async () => {
  const key = await keep('stuck');
  const broken = { ...store, remove: () => Promise.reject(new Error('read-only')) };
  await expect(sweep({ store: broken })).rejects.toThrow('read-only');
  expect(await rows()).toEqual([{ key }]);
  expect(await sweep()).toBe(1);
});

test('the sweep is a task of the pack that runs by itself each hour', async () => {
  const key = await store.put(Buffer.from('stray'), 'application/json');
  expect(visuals.schedules?.['visuals.removeExpiredFiles']).toMatchObject({ task: removeExpiredFiles });
  const ran = await lovage.run(removeExpiredFiles, {});
  expect(ran).toMatchObject({ state: 'succeeded', result: { removed: 0 } });
  expect(await isKept(key)).toBe(true);
  await lovage.advance(61 * 60_000);
  const runs = async () =>
    (await lovage.db.execute(sql`SELECT id FROM lovage.task WHERE name = 'visuals.removeExpiredFiles'`)).rows;
  await vi.waitUntil(async () => (await runs()).length >= 2, { timeout: 10_000 });
  await lovage.idle();
});
