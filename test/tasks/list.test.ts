import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noop, sleep } from '../../packs/diag/tasks.ts';
import { cancelTask } from '../../src/tasks/cancel.ts';
import { listEvents } from '../../src/tasks/events.ts';
import { listTasks, type ListRequest } from '../../src/tasks/list.ts';
import { openLab, type Lab } from '../lab.ts';

let lab: Lab;
const ids: string[] = [];
beforeAll(async () => {
  lab = await openLab();
  for (let n = 0; n < 25; n += 1) ids.push((await lab.enqueue(noop, {}, { tags: ['base'] })).id);
});
afterAll(() => lab[Symbol.asyncDispose]());

const list = (request: ListRequest = {}) => listTasks(lab.lovage, lab.caller, request);
const idsOf = async (request: ListRequest) => (await list(request)).items.map(({ id }) => id);

test('pages stay stable while tasks come in and change', async () => {
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await list({ tag: 'base', limit: 10, cursor });
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor ?? undefined;
    await lab.enqueue(noop, {}, { tags: ['base'] });
    await cancelTask(lab.lovage, lab.caller, ids[20] ?? '');
  } while (cursor !== undefined);
  expect(seen).toEqual(ids.toReversed());
});

test('a page that is just full is the last one', async () => {
  for (let n = 0; n < 3; n += 1) await lab.enqueue(noop, {}, { tags: ['three'] });
  expect((await list({ tag: 'three', limit: 3 })).nextCursor).toBeNull();
  expect((await list({ tag: 'three', limit: 2 })).nextCursor).not.toBeNull();
});

test('filters narrow, alone and together', async () => {
  const late = await lab.enqueue(sleep, { ms: 1 }, { delayMs: 60_000, tags: ['late', 'x'] });
  const gone = await lab.enqueue(sleep, { ms: 1 }, { tags: ['gone', 'x'] });
  await cancelTask(lab.lovage, lab.caller, gone.id);
  expect(await idsOf({ name: 'diag.sleep' })).toEqual([gone.id, late.id]);
  expect(await idsOf({ name: 'diag.sleep', state: ['scheduled'] })).toEqual([late.id]);
  expect(await idsOf({ name: 'diag.sleep', state: ['queued'] })).toEqual([]);
  expect(await idsOf({ tag: 'x', state: ['cancelled', 'scheduled'] })).toEqual([gone.id, late.id]);
  expect(await idsOf({ tag: 'late' })).toEqual([late.id]);
  expect(await idsOf({ queue: 'spare' })).toEqual([]);
  expect(await idsOf({ tag: 'x', createdAfter: gone.createdAt })).toEqual([gone.id]);
  expect(await idsOf({ tag: 'x', createdBefore: gone.createdAt })).toEqual([late.id]);
  expect(await idsOf({ state: [] })).toEqual([]);
});

test('lists leave out input and result unless asked for', async () => {
  const [plain] = (await list({ limit: 1 })).items;
  expect(plain).not.toHaveProperty('input');
  const [whole] = (await list({ limit: 1, include: ['input', 'result'] })).items;
  expect(whole).toMatchObject({ input: { ms: 1 }, result: null });
});

test('a tenant sees its own tasks only', async () => {
  expect((await listTasks(lab.lovage, { tenant: 'other' }, {})).items).toEqual([]);
});

describe('a cursor that no list gave out', () => {
  test.each(['', 'x', '1', 'AAAA', 'AZIAz4_KcByd13Zj8UYm7A==', "' OR 1=1 --", '\0'])(
    'is refused: %j',
    async (cursor) => {
      await expect(list({ cursor })).rejects.toMatchObject({
        code: 'validation',
        faults: [{ pointer: 'cursor' }],
      });
    },
  );

  test.each(['', 'x', '-1', '1.5', '99999999999', '1 OR 1'])(
    'is refused by a history: %j',
    async (cursor) => {
      await expect(listEvents(lab.lovage, lab.caller, ids[0] ?? '', { cursor })).rejects.toMatchObject({
        code: 'validation',
        faults: [{ pointer: 'cursor' }],
      });
    },
  );
});

test('a history comes in pages', async () => {
  const { id } = await lab.enqueue(noop, {});
  await cancelTask(lab.lovage, lab.caller, id);
  const first = await listEvents(lab.lovage, lab.caller, id, { limit: 1 });
  expect(first).toMatchObject({ items: [{ number: 1, type: 'queued' }], nextCursor: '1' });
  const second = await listEvents(lab.lovage, lab.caller, id, { limit: 1, cursor: '1' });
  expect(second).toMatchObject({ items: [{ number: 2, type: 'cancelled' }], nextCursor: null });
});
