import { afterAll, beforeAll, expect, test } from 'vitest';
import { defineTask } from '../../src/task.ts';
import { z } from 'zod';
import { sleep } from '../../packs/diag/tasks.ts';
import { stubborn, stubbornInProcess, toldToStop, toldToStopInProcess } from '../fixtures/execution.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { startWorkerProcess } from '../worker/processes.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
  await startWorkerProcess(lab);
});
afterAll(() => lab[Symbol.asyncDispose]());

const options = { input: z.null(), output: z.null(), run: () => null };

test('the defaults are 240 s and 300 s', () => {
  expect(defineTask({ name: 'a.b', ...options })).toMatchObject({
    softLimitMs: 240_000,
    hardLimitMs: 300_000,
  });
});

test('either limit of a definition moves the other out of its way', () => {
  expect(defineTask({ name: 'a.b', ...options, softLimitMs: 600_000 })).toMatchObject({
    hardLimitMs: 750_000,
  });
  expect(defineTask({ name: 'a.b', ...options, hardLimitMs: 1_000 })).toMatchObject({ softLimitMs: 1_000 });
});

test.each([
  [{ softLimitMs: 0 }, 'softLimitMs'],
  [{ hardLimitMs: -1 }, 'hardLimitMs'],
  [{ softLimitMs: 2_000, hardLimitMs: 1_000 }, 'hardLimitMs: must not be below softLimitMs'],
  [{ cancelGraceMs: -1 }, 'cancelGraceMs'],
])('a definition with limits that make no sense is refused: %j', (limits, message) => {
  expect(() => defineTask({ name: 'a.b', ...options, ...limits })).toThrow(message);
});

test.each([
  [{ softLimitMs: 0 }],
  [{ hardLimitMs: 0 }],
  [{ hardLimitMs: -5 }],
  [{ softLimitMs: 2_000, hardLimitMs: 1_000 }],
])('an enqueue with limits that make no sense is refused, and nothing written: %j', async (limits) => {
  await expect(lab.enqueue(sleep, { ms: 1 }, limits)).rejects.toMatchObject({ code: 'validation' });
  expect(await lab.sql('SELECT id FROM lovage.task WHERE soft_limit_ms < 1 OR hard_limit_ms < 1')).toEqual(
    [],
  );
});

test.each([
  ['inline', toldToStop],
  ['process', toldToStopInProcess],
])(
  'at its soft limit a handler learns why, and may clean up and return: %s',
  async (_isolation, definition) => {
    const { id } = await lab.enqueue(definition, { reaction: 'return' }, { softLimitMs: 150 });
    expect(await lab.final(id)).toMatchObject({
      state: 'succeeded',
      result: { reason: 'SoftTimeLimitExceeded' },
    });
  },
);

test.each([
  ['rethrow', toldToStop],
  ['abortError', toldToStop],
  ['rethrow', toldToStopInProcess],
  ['abortError', toldToStopInProcess],
] as const)('a handler that gives up at its soft limit is tried again: %s', async (reaction, definition) => {
  const { id } = await lab.enqueue(definition, { reaction }, { softLimitMs: 150 });
  const task = await until(
    () => lab.get(id),
    ({ state }) => state === 'retrying',
  );
  expect(task.error).toMatchObject({
    code: 'time_limit',
    message: 'the attempt has run for its soft limit of 150 ms',
  });
});

test('what it throws while it cleans up counts as its own error', async () => {
  const { id } = await lab.enqueue(toldToStop, { reaction: 'throw' }, { softLimitMs: 100 });
  const task = await until(
    () => lab.get(id),
    ({ state }) => state === 'retrying',
  );
  expect(task.error).toMatchObject({ code: 'handler_error', message: 'could not clean up' });
});

test('at its hard limit a process attempt is killed, and fails with its own code', async () => {
  const { id } = await lab.enqueue(stubbornInProcess, { ms: 60_000 }, { hardLimitMs: 300 });
  const task = await until(
    () => lab.get(id),
    ({ state }) => state === 'retrying',
  );
  expect(task).toMatchObject({
    attempt: 1,
    error: { code: 'time_limit', message: 'the attempt has run for its hard limit of 300 ms' },
  });
  expect(await lab.sql('SELECT failures, crashes FROM lovage.task WHERE id = $1', [id])).toEqual([
    { failures: 1, crashes: 0 },
  ]);
  await lab.sql('SELECT lovage.cancel($1)', [id]);
});

test('at its hard limit an inline attempt is overdue, and is tried again only when it has returned', async () => {
  const { id } = await lab.enqueue(stubborn, { ms: 1_200 }, { hardLimitMs: 200 });
  await until(
    () => lab.eventTypes(id),
    (types) => types.at(-1) === 'overdue',
  );
  expect(await lab.get(id)).toMatchObject({ state: 'running', attempt: 1 });
  await until(
    () => lab.eventTypes(id),
    (types) => types.includes('retrying'),
  );
  const events = await lab.events(id);
  expect(events.map(({ type }) => type).slice(0, 4)).toEqual(['queued', 'started', 'overdue', 'retrying']);
  expect(events[2]?.data).toEqual({ because: 'time_limit' });
  expect(events[3]?.data['error']).toMatchObject({ code: 'time_limit' });
  const [row] = await lab.sql<{ ran: number }>(
    `SELECT (extract(epoch FROM max(at) FILTER (WHERE type = 'retrying') - max(at) FILTER (WHERE type = 'started' AND attempt = 1)) * 1000)::float8 AS ran
     FROM lovage.task_event WHERE task_id = $1`,
    [id],
  );
  expect(row?.ran).toBeGreaterThanOrEqual(1_150);
  await lab.sql('SELECT lovage.cancel($1)', [id]);
});

test('a definition bears its limits where an enqueue names none', async () => {
  const [row] = await lab.sql<{ soft: number; hard: number }>(
    "SELECT soft_limit_ms AS soft, hard_limit_ms AS hard FROM lovage.definition WHERE name = 'diag.sleep'",
  );
  expect(row).toEqual({ soft: sleep.softLimitMs, hard: sleep.hardLimitMs });
});
