import { afterAll, beforeAll, expect, test } from 'vitest';
import { noop } from '../../packs/diag/tasks.ts';
import { enqueueTask } from '../../src/tasks/enqueue.ts';
import { openLab, type Lab } from '../lab.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const enqueue = (name: string, input: unknown) => enqueueTask(lab.lovage, lab.caller, { name, input });
const rows = async () =>
  (
    await lab.sql(
      `SELECT (SELECT count(*) FROM lovage.task)::int AS tasks, (SELECT count(*) FROM lovage.task_event)::int AS events,
            (SELECT count(*) FROM pgboss.job)::int AS jobs`,
    )
  )[0];

test('a task is committed with its job and its first event when it is accepted', async () => {
  const { id } = await lab.enqueue(noop, { any: 'thing' }, { priority: 3, tags: ['a', 'b'] });
  expect(await rows()).toEqual({ tasks: 1, events: 1, jobs: 1 });
  expect(await lab.get(id)).toMatchObject({
    name: 'diag.noop',
    queue: 'diag',
    state: 'queued',
    priority: 3,
    tags: ['a', 'b'],
    createdBy: 'key:test',
    input: { any: 'thing' },
    attempt: 0,
    maxAttempts: 3,
  });
  expect(await lab.eventTypes(id)).toEqual(['queued']);
});

test.each([
  ['a missing field', 'diag.sleep', {}, ['/ms']],
  ['a wrong type and an unknown field', 'diag.sleep', { ms: 'x', more: 1 }, ['/more', '/ms']],
  ['a value out of range', 'diag.exit', { code: 256 }, ['/code']],
  ['no object', 'diag.progress', 'text', ['']],
  ['NUL in a text', 'diag.echo', { value: { list: ['fine', 'a\0b'] } }, ['/value/list/1']],
  ['NUL in a name', 'diag.echo', { value: { 'a\0/b': 1 } }, ['/value/a\0~1b']],
  ['a lone surrogate', 'diag.echo', { value: '\udc00' }, ['/value']],
])(
  'an input with %s is refused with a pointer per fault, and nothing is written',
  async (_what, name, input, pointers) => {
    const before = await rows();
    const error = await enqueue(name, input).then(
      () => undefined,
      (refused: { code: string; faults: { pointer: string; detail: string }[] }) => refused,
    );
    expect(error).toMatchObject({ code: 'validation' });
    expect(error?.faults.map(({ pointer }) => pointer).toSorted()).toEqual(pointers);
    for (const { detail } of error?.faults ?? []) expect(detail).not.toBe('');
    expect(await rows()).toEqual(before);
  },
);

test('an unknown name is refused, and nothing is written', async () => {
  const before = await rows();
  await expect(enqueue('diag.nope', {})).rejects.toMatchObject({ code: 'unknown-task-name' });
  expect(await rows()).toEqual(before);
});

test('a burst of enqueues loses none, and ids grow with time', async () => {
  const before = await rows();
  const tasks = await Promise.all(Array.from({ length: 100 }, () => lab.enqueue(noop, {})));
  expect(new Set(tasks.map(({ id }) => id)).size).toBe(100);
  expect((await rows())?.['tasks']).toBe(Number(before?.['tasks']) + 100);
  const first = await lab.enqueue(noop, {});
  const second = await lab.enqueue(noop, {});
  expect(second.id > first.id).toBe(true);
});

test('nothing of this has broken an invariant', async () => {
  expect(await lab.violations()).toEqual([]);
});
