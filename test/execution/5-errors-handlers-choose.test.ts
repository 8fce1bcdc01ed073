import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RetryAt, RetryIn, Snooze } from '../../src/errors.ts';
import type { InputOf } from '../../src/index.ts';
import { redactSecrets } from '../../src/redact.ts';
import { asksAgain, badKey, chooses, choosesInProcess, tells } from '../fixtures/execution.ts';
import { discards } from '../fixtures/faults.ts';
import { judged, judgedInProcess } from '../fixtures/runs.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { startWorkerProcess, type WorkerProcess } from '../worker/processes.ts';

let lab: Lab;
let worker: WorkerProcess;
beforeAll(async () => {
  lab = await openLab();
  worker = await startWorkerProcess(lab);
});
afterAll(() => lab[Symbol.asyncDispose]());

const spent = async (id: string) =>
  (
    await lab.sql<{ failures: number; wait: number }>(
      `SELECT t.failures, (extract(epoch FROM t.due_at - e.at) * 1000)::float8 AS wait
       FROM lovage.task t JOIN lovage.task_event e ON e.task_id = t.id AND e.number = t.events WHERE t.id = $1`,
      [id],
    )
  )[0];

test('Discard fails the task now, whatever its retries', async () => {
  const { id } = await lab.enqueue(discards, {});
  expect(await lab.final(id)).toMatchObject({ state: 'failed', attempt: 1, error: { code: 'hopeless' } });
});

test.each([
  ['retryIn', chooses],
  ['retryAt', chooses],
  ['retryIn', choosesInProcess],
  ['retryAt', choosesInProcess],
] as const)('%s sets the time of the next attempt and spends a retry', async (what, definition) => {
  const { id } = await lab.enqueue(definition, { what, ms: 600_000 });
  const task = await until(
    () => lab.get(id),
    ({ state }) => state === 'retrying',
  );
  expect(task.error).toMatchObject({ code: 'retry_requested' });
  const { failures, wait = 0 } = (await spent(id)) ?? {};
  expect(failures).toBe(1);
  expect(wait).toBeGreaterThan(590_000);
  expect(wait).toBeLessThanOrEqual(600_000);
});

test('an attempt that may be tried again soon is, at that time', async () => {
  const { id } = await lab.enqueue(chooses, { what: 'retryIn', ms: 50 });
  expect(await lab.final(id)).toMatchObject({ state: 'succeeded', result: { attempt: 2 } });
});

test('RetryIn fails the task when no retry is left', async () => {
  const { id } = await lab.enqueue(asksAgain, {});
  expect(await lab.final(id)).toMatchObject({
    state: 'failed',
    attempt: 2,
    error: { code: 'retry_requested', message: 'once more' },
  });
});

test.each([[chooses], [choosesInProcess]])('Snooze spends no retry: %o', async (definition) => {
  const { id } = await lab.enqueue(definition, { what: 'snooze', ms: 600_000 });
  const task = await until(
    () => lab.get(id),
    ({ state }) => state === 'scheduled',
  );
  expect(task).toMatchObject({ attempt: 1, error: null });
  expect((await lab.events(id)).at(-1)).toMatchObject({ type: 'snoozed', data: { reason: 'not yet' } });
  expect((await spent(id))?.failures).toBe(0);
  expect((await spent(id))?.wait).toBeGreaterThan(590_000);
});

describe.each([
  ['this process', judged],
  ['a child process', judgedInProcess],
])('retryIf, in %s,', (_where, definition) => {
  const whenOver = async (how: InputOf<typeof judged>['how']) => {
    const { id } = await lab.enqueue(definition, { how });
    const isOver = ({ state }: { state: string }) => ['failed', 'retrying', 'scheduled'].includes(state);
    const { state, attempt, error } = await until(() => lab.get(id), isOver);
    return { state, attempt, error };
  };

  test.concurrent.each([
    ['lasting', 'Lasting', 'no such customer'],
    ['write', 'Lasting', 'no such customer'],
    ['lateText', 'Lasting', 'no such customer'],
    ['text', 'handler_error', 'just text'],
  ] as const)('fails at once, under its own name, what will not pass: %s', async (how, code, message) => {
    const cause = how === 'text' ? {} : { cause: { code: 'handler_error', message: '404' } };
    expect(await whenOver(how)).toMatchObject({
      state: 'failed',
      attempt: 1,
      error: { code, message, ...cause },
    });
  });

  test.concurrent.each([
    ['passing', 'retrying', 'Passing'],
    ['unjudged', 'retrying', 'RangeError'],
    ['retryIn', 'retrying', 'retry_requested'],
    ['late', 'retrying', 'time_limit'],
    ['snooze', 'scheduled', undefined],
  ] as const)(
    'leaves to the policy what may, and what is not for it to say: %s',
    async (how, state, code) => {
      const over = await whenOver(how);
      expect([over.state, over.attempt, over.error?.code]).toEqual([state, 1, code]);
    },
  );
});

test('a retryIf that throws is told in the log', () => {
  const told = worker
    .output()
    .split('\n')
    .filter((line) => line.includes('a retryIf threw'));
  expect(told).toHaveLength(2);
  expect(told[0]).toContain('cannot tell');
});

test('a task that snoozed for long runs its next attempt when it is due', async () => {
  const { id } = await lab.enqueue(chooses, { what: 'snooze', ms: 30 });
  expect(await lab.final(id)).toMatchObject({ state: 'succeeded', result: { attempt: 2 } });
  expect(await lab.violations()).toEqual([]);
});

test('a delay that makes no sense is an error of its own', () => {
  expect(() => new RetryIn(-1)).toThrow(RangeError);
  expect(() => new Snooze(NaN)).toThrow(RangeError);
  expect(() => new RetryAt(new Date('not a date'))).toThrow(RangeError);
});

test('secrets in an error stay out of its record, its causes and its stack', async () => {
  const { id } = await lab.enqueue(tells, {});
  const { error } = await lab.final(id);
  expect(error).toMatchObject({
    message: 'connect postgres://app:[redacted]@db.example.com/app failed, password=[redacted]',
    cause: {
      message: 'GET https://api.example.com/?api_key=[redacted] 401, Authorization: Bearer [redacted]',
    },
  });
  const [row] = await lab.sql<{ all: string }>('SELECT error::text AS all FROM lovage.task WHERE id = $1', [
    id,
  ]);
  expect(row?.all).not.toMatch(/hunter|very-secret|abc\.def/);
});

test('what only looks a little like a secret is left as it is', () => {
  const text = 'Unexpected token } in JSON; basic checks: see https://example.com/a@b and secretary 7';
  expect(redactSecrets(text)).toBe(text);
});

test.each(['throws', 'number', 'empty', 'long', 'nul'] as const)(
  'a concurrency key that cannot be told refuses the enqueue: %s',
  async (key) => {
    await expect(lab.enqueue(badKey, { key })).rejects.toMatchObject({
      code: 'validation',
      faults: [{ detail: expect.stringContaining('concurrencyKey') as string }],
    });
    expect(await lab.sql("SELECT id FROM lovage.task WHERE name = 'execution.badKey'")).toEqual([]);
  },
);
