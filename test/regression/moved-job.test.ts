import { noop } from '../../packs/diag/tasks.ts';
import { expect, handedBack, succeeded, test, type JournalLab } from '../journal/journal-lab.ts';

/**
 * A running job that psql moved to another queue was lost to its worker: the outcome goes to the queue that it was
 * claimed from.
 */
const move = (ids: readonly string[]) =>
  `UPDATE pgboss.job SET name = 'spare' WHERE id IN (${ids.map((id) => `'${id}'`).join(', ')})`;

/** All that is known of a task and its job. */
const all = async (lab: JournalLab, id: string) => ({
  task: await lab.task(id),
  job: await lab.job(id),
  history: await lab.history(id),
});

test('a running job cannot be moved to another queue, and its worker settles it', async ({ lab }) => {
  const claim = await lab.running();
  const before = await all(lab, claim.id);

  await expect(lab.byHand(move([claim.id]))).rejects.toThrow(/running task cannot move/);
  expect(await all(lab, claim.id)).toEqual(before);
  expect(await lab.settle(claim, succeeded)).toBe('succeeded');
  expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1', 'succeeded 1']);
});

test('a later attempt cannot be moved either', async ({ lab }) => {
  const { id } = await lab.handedBack();
  await lab.claim();
  const before = await all(lab, id);

  await expect(lab.byHand(move([id]))).rejects.toThrow(/running/i);
  expect(await all(lab, id)).toEqual(before);
  expect(await lab.settle({ id, attempt: 2 }, succeeded)).toBe('succeeded');
});

test('one running job in a statement refuses the statement, for the queued ones as well', async ({ lab }) => {
  const claim = await lab.running();
  const { id } = await lab.enqueue(noop, {});
  const before = [await all(lab, claim.id), await all(lab, id)];

  await expect(lab.byHand(move([claim.id, id]))).rejects.toThrow(/running/i);
  expect([await all(lab, claim.id), await all(lab, id)]).toEqual(before);
  expect(await lab.settle(claim, succeeded)).toBe('succeeded');
});

test('a running job cannot be moved by putting it back into the queue in the same statement', async ({
  lab,
}) => {
  const claim = await lab.running();
  const before = await all(lab, claim.id);
  const statement = `UPDATE pgboss.job SET name = 'spare', state = 'created' WHERE id = '${claim.id}'`;

  await expect(lab.byHand(statement)).rejects.toThrow(/running/i);
  expect(await all(lab, claim.id)).toEqual(before);
  expect(await lab.settle(claim, succeeded)).toBe('succeeded');
});

test.for([
  ['queued', async (lab: JournalLab) => (await lab.enqueue(noop, {})).id, 1],
  ['delayed', async (lab: JournalLab) => (await lab.enqueue(noop, {}, { delayMs: 60_000 })).id, 1],
  ['retrying', async (lab: JournalLab) => (await lab.retrying()).id, 2],
  ['handed back', async (lab: JournalLab) => (await lab.handedBack()).id, 2],
] as const)('a %s task follows its job to another queue and runs there', async ([, make, next], { lab }) => {
  const id = await make(lab);
  const state = (await lab.task(id))?.state;
  await lab.byHand(move([id]));

  expect(await lab.task(id)).toMatchObject({ state, queue: 'spare' });
  expect((await lab.events(id)).at(-1)).toMatchObject({
    type: 'changed',
    data: { queue: 'spare', by: expect.stringMatching(/^sql:/) },
  });
  await lab.byHand(`UPDATE pgboss.job SET start_after = now() WHERE id = '${id}'`);
  expect(await lab.claim()).toEqual([]);
  expect(await lab.claim(1, 'spare')).toMatchObject([{ id, queue: 'spare', attempt: next }]);
  expect(await lab.settle({ id, attempt: next }, handedBack)).toBe('queued');
});
