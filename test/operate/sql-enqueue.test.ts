import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLab, until, type Lab } from '../lab.ts';
import { auditOf, inPsql, valueInPsql } from './sql-lab.ts';

let lab: Lab;
let me: string;
beforeAll(async () => {
  lab = await openLab();
  await lab.worker();
  me = `sql:${await valueInPsql(lab.url, 'SELECT session_user')}`;
});
afterAll(() => lab[Symbol.asyncDispose]());

const enqueue = (call: string) => valueInPsql(lab.url, `SELECT lovage.enqueue(${call})`);

test('a task that psql enqueues takes its definition’s policy, runs at once, and says who sent it', async () => {
  const id = await enqueue(`'diag.echo', '{"value": 2}', tags => '{nightly}', priority => 7`);
  const [definition] = await lab.sql<{ max_attempts: number }>(
    `SELECT max_attempts FROM lovage.definition WHERE name = 'diag.echo'`,
  );

  expect(await lab.final(id)).toMatchObject({
    state: 'succeeded',
    result: { value: 2 },
    queue: 'diag',
    priority: 7,
    tags: ['nightly'],
    createdBy: me,
    maxAttempts: definition?.max_attempts,
  });
  expect((await lab.events(id))[0]).toMatchObject({ type: 'queued', data: { by: me } });
  expect(await auditOf(lab, 'tasks.enqueue')).toContainEqual({
    actor: me,
    target: id,
    outcome: 'ok',
    detail: { name: 'diag.echo' },
  });
});

test('an input that does not fit fails its task when a worker takes it: code validation, and no retry', async () => {
  const id = await enqueue(`'diag.echo', '{"valeu": 2}'`);

  expect(await lab.final(id)).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: { code: 'validation', message: expect.stringContaining('valeu') },
  });
  expect(await lab.eventTypes(id)).toEqual(['queued', 'started', 'failed']);
});

test('a name that is none is refused at once, with those that are like it', async () => {
  await expect(enqueue(`'diag.ecko'`)).rejects.toMatchObject({
    code: 'LV404',
    message: 'no task is named "diag.ecko"',
    hint: expect.stringMatching(/There are 'diag\.\w+'.*v_definitions/),
  });
  await expect(enqueue(`'DIAG.ECHO'`)).rejects.toMatchObject({
    hint: expect.stringContaining(`There are 'diag.echo'`),
  });
});

test.each([
  [`'diag.noop', NULL`, 'input is null'],
  [`'diag.noop', delay => '1 hour', run_at => now()`, 'delay and run_at were both given'],
  [`'diag.noop', delay => '-1 s'`, 'delay is negative'],
  [`'diag.noop', priority => 1001`, 'priority is not'],
  [`'diag.noop', max_attempts => 0`, 'max_attempts is not'],
  [`'diag.noop', key => ''`, 'a key has not'],
  [`'diag.noop', tenant => ''`, 'tenant has not'],
  [`'diag.noop', tenant => repeat('x', 101)`, 'tenant has not'],
  [`'diag.noop', tags => ARRAY['a', NULL]`, 'tags are not a list'],
  [`'diag.noop', tags => '{{a,b},{c,d}}'`, 'tags are not a list'],
  // Whoever lists tasks reads these times too, and JavaScript knows no endless one.
  [`'diag.noop', run_at => 'infinity'`, 'run_at is after'],
  [`'diag.noop', run_at => '290000-01-01'`, 'run_at is after'],
  [`'diag.noop', delay => '2 years'`, 'delay is over'],
])('lovage.enqueue(%s) says what is wrong and writes nothing', async (call, message) => {
  const before = await lab.sql('SELECT count(*) FROM lovage.task');
  await expect(enqueue(call)).rejects.toMatchObject({
    code: '22023',
    message: expect.stringContaining(message),
  });
  expect(await lab.sql('SELECT count(*) FROM lovage.task')).toEqual(before);
});

test('a delay is kept, and the task is there if, and only if, the transaction commits', async () => {
  const id = await enqueue(`'diag.noop', delay => '1 hour'`);
  expect(await lab.get(id)).toMatchObject({ state: 'scheduled' });

  await expect(inPsql(lab.url, `SELECT lovage.enqueue('diag.noop'); SELECT 1 / 0`)).rejects.toThrow(/zero/);
  const [late] = await lab.sql<{ n: number }>(
    `SELECT count(*)::int AS n FROM lovage.task WHERE name = 'diag.noop' AND due_at <= now()`,
  );
  expect(late?.n).toBe(0);
});

test('a definition that dedupes wants its key said, and of parallel sessions one gets its task in', async () => {
  await lab.sql(`UPDATE lovage.definition SET policy = policy || '{"dedupe": {"by": "key", "withinMs": null}}'
                 WHERE name = 'diag.sleep'`);
  await expect(enqueue(`'diag.sleep', '{"ms": 0}'`)).rejects.toMatchObject({
    code: '22023',
    hint: expect.stringContaining('dedupe_key'),
  });

  const call = `'diag.sleep', '{"ms": 0}', dedupe_key => 'one', delay => '1 hour'`;
  const ids = await Promise.all(Array.from({ length: 8 }, () => enqueue(call)));
  expect(new Set(ids).size).toBe(1);
  expect(await enqueue(`'diag.sleep', '{"ms": 0}', dedupe_key => ''`)).not.toBe(ids[0]);
});

test('a definition with a concurrency key warns where none is said', async () => {
  const without = await inPsql(lab.url, `SELECT lovage.enqueue('keyed.sleep')`);
  expect(without.notices).toMatchObject([{ severity: 'WARNING', hint: expect.stringContaining('key =>') }]);

  const withKey = await inPsql(lab.url, `SELECT lovage.enqueue('keyed.sleep', key => 'ada') AS id`);
  expect(withKey.notices).toEqual([]);
  expect(await lab.get(String(withKey.rows[0]?.['id']))).toMatchObject({ concurrencyKey: 'ada' });
});

test('every invariant holds afterwards', async () => {
  await until(
    () => lab.sql(`SELECT FROM lovage.task WHERE state IN ('queued', 'running') AND due_at <= now()`),
    (open) => open.length === 0,
  );
  expect(await lab.violations()).toEqual([]);
});
