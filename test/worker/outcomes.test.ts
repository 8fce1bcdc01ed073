import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { echo, noop } from '../../packs/diag/tasks.ts';
import { getResult } from '../../src/tasks/result.ts';
import {
  discards,
  failsWithCause,
  returns,
  shortLived,
  throws,
  throwsInProcess,
  tooDeep,
} from '../fixtures/faults.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { send, startWorkerProcess, type WorkerProcess } from './processes.ts';

let lab: Lab;
let worker: WorkerProcess;
beforeAll(async () => {
  lab = await openLab();
  worker = await startWorkerProcess(lab);
});
afterAll(() => lab[Symbol.asyncDispose]());

const stored = async (id: string) =>
  (await lab.sql<{ error: Record<string, unknown> }>('SELECT error FROM lovage.task WHERE id = $1', [id]))[0]
    ?.error;

test('an error that no retry can mend fails the task at once, with its code', async () => {
  const { id } = await lab.enqueue(discards, {});
  expect(await lab.final(id)).toMatchObject({
    state: 'failed',
    attempt: 1,
    maxAttempts: 3,
    error: { code: 'hopeless', message: 'no retry can mend this' },
  });
  expect(await lab.eventTypes(id)).toEqual(['queued', 'started', 'failed']);
});

test('operators find code, message, stack and causes of an error; callers get all but the stack', async () => {
  const { id } = await lab.enqueue(failsWithCause, {});
  const shown = {
    code: 'mail_down',
    type: 'Error',
    message: 'the mail could not be sent',
    cause: { code: 'EHOSTUNREACH', type: 'Error', message: 'no route' },
  };
  expect((await lab.final(id)).error).toEqual(shown);
  expect((await lab.events(id)).at(-1)).toMatchObject({ type: 'failed', data: { error: shown } });
  expect(JSON.stringify(await lab.events(id))).not.toContain('faults.ts');
  expect(await stored(id)).toMatchObject({
    ...shown,
    stack: expect.stringContaining('faults.ts') as string,
    cause: { stack: expect.stringContaining('faults.ts') as string },
  });
});

describe.each([
  ['this process', throws],
  ['a child process', throwsInProcess],
])('what a handler throws in %s', (_where, definition) => {
  test.each([
    ['undefined', { code: 'handler_error', message: 'undefined' }],
    ['text', { code: 'handler_error', message: 'just text' }],
    ['bare', { code: 'handler_error', message: '[cannot be shown]' }],
    ['noPrimitive', { code: 'handler_error', message: '[cannot be shown]' }],
    ['oddMessage', { code: 'handler_error', message: '5' }],
    ['oddName', { code: 'handler_error', message: 'named oddly', type: 'Symbol(name)' }],
    ['unclean', { code: 'c\uFFFD', message: 'a\uFFFDb\uFFFD' }],
  ] as const)('fails its task and nothing else: %s', async (what, error) => {
    const { id } = await lab.enqueue(definition, { what });
    expect(await lab.final(id)).toMatchObject({ state: 'failed', attempt: 1, error });
  });
});

describe('an output', () => {
  test.each([
    ['nul', 'output_invalid', 'NUL'],
    ['surrogate', 'output_invalid', 'surrogate'],
    ['low', 'output_invalid', '/1'],
    ['key', 'output_invalid', 'name'],
    ['huge', 'output_too_large', '1048576 bytes'],
    ['bigint', 'output_invalid', 'JSON'],
    ['wrong', 'output_invalid', 'must not be "wrong"'],
  ] as const)('that cannot be kept fails its task, and says why: %s', async (what, code, says) => {
    const { id } = await lab.enqueue(returns, { what });
    const task = await lab.final(id);
    expect(task).toMatchObject({ state: 'failed', attempt: 1, result: null, error: { code } });
    expect(task.error?.message).toContain(says);
    expect(await lab.sql('SELECT FROM lovage.task_result WHERE task_id = $1', [id])).toEqual([]);
  });

  test.each([400, 5_000, 50_000])('may be nested, but not without end: %i levels', async (depth) => {
    const { id } = await lab.enqueue(tooDeep, { depth });
    const { state, error } = await lab.final(id);
    if (depth < 500) expect(state).toBe('succeeded');
    else expect({ state, code: error?.code }).toEqual({ state: 'failed', code: 'output_invalid' });
  });

  test('that is missing is null', async () => {
    const { id } = await lab.enqueue(returns, { what: 'undefined' });
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded', result: null });
  });

  test('comes back as it was', async () => {
    const value = {
      text: 'naïve – 漢字 \u{1F33F} "\\u0000"',
      list: [1, 2.5, -0.1, null, true],
      deep: { a: { b: [] } },
    };
    const { id } = await lab.enqueue(echo, { value });
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded', result: { value } });
  });

  test('past its time to live is gone, though its task stays', async () => {
    const { id } = await lab.enqueue(shortLived, {});
    await until(
      () => lab.get(id),
      (task) => task.state === 'succeeded' && task.result === null,
    );
    await expect(getResult(lab.lovage, lab.caller, id)).rejects.toMatchObject({ code: 'result-expired' });
    expect(await lab.eventTypes(id)).toEqual(['queued', 'started', 'succeeded']);
    const { id: lasting } = await lab.enqueue(noop, {});
    const { finishedAt, resultExpiresAt } = await lab.final(lasting);
    expect(Date.parse(resultExpiresAt ?? '') - Date.parse(finishedAt ?? '')).toBe(86_400_000);
  });
});

test('an input that no longer fits its schema fails its task without a retry', async () => {
  const [id = ''] = await send(lab, 'diag.sleep', [{ input: { ms: 'soon' } }]);
  const task = await lab.final(id);
  expect(task).toMatchObject({ state: 'failed', attempt: 1, error: { code: 'validation' } });
  expect(task.error?.message).toContain('ms:');
});

test('a name that the worker does not know goes back at no cost', async () => {
  const [id = ''] = await send(lab, 'spare.unheardOf', [{}]);
  await until(
    () => lab.eventTypes(id),
    (types) => types.includes('handed_back'),
  );
  const [row] = await lab.sql<{ wait: number }>(
    `SELECT state, attempt, failures, crashes, round(extract(epoch FROM due_at - started_at))::int AS wait
     FROM lovage.task WHERE id = $1`,
    [id],
  );
  expect(row).toEqual({ state: 'queued', attempt: 1, failures: 0, crashes: 0, wait: 2 });
  expect((await lab.events(id)).at(-1)?.data).toMatchObject({
    reason: 'this worker does not know the task name',
  });
  await until(
    () => lab.get(id),
    (task) => task.attempt === 2 && task.state === 'scheduled',
  );
});

test('the worker that met all this still works, and every invariant holds', async () => {
  const { id } = await lab.enqueue(noop, {});
  expect(await lab.final(id)).toMatchObject({ state: 'succeeded' });
  expect(worker.child.exitCode).toBeNull();
  expect(await lab.sql('SELECT DISTINCT worker_id FROM lovage.task WHERE worker_id IS NOT NULL')).toEqual([
    { worker_id: worker.id },
  ]);
  expect(await lab.violations()).toEqual([]);
});
