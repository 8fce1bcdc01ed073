import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuthenticator } from '../../src/keys/authenticate.ts';
import { putSchedule } from '../../src/schedules/put.ts';
import { onServer, withDatabase } from '../global-setup.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { run } from './run.ts';

let lab: Lab;
const lovage = (args: readonly string[], env = {}, stdin = '') =>
  run(args, { DATABASE_URL: lab.url, ...env }, stdin);
const json = async <Value>(args: readonly string[]) => JSON.parse((await lovage(args)).stdout) as Value;
const count = async () => (await lab.sql<{ n: number }>('SELECT count(*)::int AS n FROM lovage.task'))[0]?.n;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

describe('keys', () => {
  test('one is made, listed without its secret, and revoked', async () => {
    const made = await json<{ id: string; key: string; prefix: string }>([
      'keys',
      'create',
      'ci',
      '--scopes',
      'read',
      '--json',
    ]);
    const doors = createAuthenticator(lab.lovage.pool, undefined);
    expect(await doors.authenticate(made.key)).toMatchObject({
      actor: 'key:ci',
      tenant: 'default',
      scopes: new Set(['read']),
    });

    const listed = await lovage(['keys', 'list', '--json']);
    expect(JSON.parse(listed.stdout)).toMatchObject({
      items: [{ id: made.id, name: 'ci', prefix: made.prefix, revokedAt: null }],
    });
    expect(listed.stdout).not.toContain(made.key);
    expect(await json(['keys', 'revoke', made.prefix, '--json'])).toMatchObject({
      items: [{ id: made.id, name: 'ci', prefix: made.prefix, outcome: 'revoked' }],
    });
    await until(
      () => doors.authenticate(made.key),
      (caller) => caller === null,
      2_000,
    );
    expect((await lovage(['keys', 'list'])).stdout).toMatch(/ci .* revoked$/m);
  });

  test('the key is shown once, for people', async () => {
    const { stdout } = await lovage([
      'keys',
      'create',
      'ada',
      '--tenant',
      'acme',
      '--expires',
      '2020-01-01T00:00:00Z',
    ]);
    expect(stdout).toMatch(
      /^lv_\S{32}\n\nThis is the only time the key is shown\. It is "ada", with scopes enqueue, read, cancel\.\n$/,
    );
    expect((await lovage(['keys', 'list'])).stdout).toMatch(
      /ada\s+acme\s+enqueue,read,cancel\s+\S.*\s+never\s+expired$/m,
    );
  });

  test('what is not there cannot be revoked', async () => {
    expect(await lovage(['keys', 'revoke', 'lv_nobody'])).toMatchObject({
      code: 3,
      stderr: 'lovage: no live key has the id or prefix "lv_nobody"; lovage keys lists them\n',
    });
  });
});

describe('enqueue', () => {
  test('prints the task that it sent', async () => {
    const { code, stdout } = await lovage(['enqueue', 'diag.noop', '--priority', '5', '--delay', '60000']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      name: 'diag.noop',
      state: 'scheduled',
      priority: 5,
      createdBy: expect.stringMatching(/^cli:/) as string,
    });
  });

  test.each([
    [['enqueue', 'diag.nope'], 'no task definition is named "diag.nope"'],
    [['enqueue', 'diag.sleep', '--input', '{"ms": "x", "more": 1}'], '\n  /ms: '],
    [['enqueue', 'diag.echo', '--input', '{"value": ["\\u0000"]}'], '\n  /value/0: '],
    [['enqueue', 'diag.echo', '--input', '{"value": "\\ud800"}'], '\n  /value: '],
  ])('refuses what does not fit, and writes nothing: %j', async (args, says) => {
    const before = await count();
    const { code, stderr } = await lovage(args);
    expect(stderr).toContain(says);
    expect(stderr).not.toContain('    at ');
    expect(code).toBe(2);
    expect(await count()).toBe(before);
  });

  test('waits, with progress on stderr and the final task on stdout', async () => {
    await lab.worker();
    const [good, bad, fed] = await Promise.all([
      lovage(['enqueue', 'diag.progress', '--input', '{"steps": 4, "everyMs": 300}', '--wait']),
      lovage(['enqueue', 'faults.discards', '--wait']),
      lovage(['enqueue', 'diag.echo', '--input', '-', '--wait'], {}, '{"value": "from stdin"}'),
    ]);
    expect(good?.code).toBe(0);
    expect(JSON.parse(good?.stdout ?? '')).toMatchObject({ state: 'succeeded', result: { steps: 4 } });
    expect(good?.stderr).toMatch(/^running .*█+░+ +\d+ % +[123]\/4 +step [123] of 4$/m);
    expect(good?.stderr.trim().split('\n').at(-1)).toMatch(/^succeeded .* 100 % +4\/4/);
    expect(bad?.code).toBe(1);
    expect(JSON.parse(bad?.stdout ?? '')).toMatchObject({ state: 'failed', error: { code: 'hopeless' } });
    expect(JSON.parse(fed?.stdout ?? '')).toMatchObject({
      state: 'succeeded',
      result: { value: 'from stdin' },
    });
  });
});

describe('doctor', () => {
  test('says that all is well', async () => {
    const { code, stdout } = await lovage(['doctor']);
    expect(stdout).toMatch(
      /✓ Postgres \S+ answers[^]*\n✓ the journal’s triggers are in place\n✓ every queue is declared \(\d+\)\n/,
    );
    for (const said of [
      '✓ the schema is of this version',
      '✓ this role may do all that Lovage does',
      '✓ notifications arrive',
      '✓ a session keeps its locks',
      '✓ no schedule is late',
      '· LOVAGE_SECRET is not set',
      '✓ the database takes',
    ]) {
      expect(stdout).toContain(said);
    }
    expect(stdout).toMatch(/✓ every invariant holds\n$/);
    expect(code).toBe(0);
  });

  test('names a schedule that is due and that no worker knows', async () => {
    await putSchedule(lab.lovage, lab.caller, { name: 'lost', task: 'diag.noop', input: {}, cron: '@daily' });
    await lab.sql(
      "UPDATE lovage.schedule SET task_name = 'gone.away', next_at = now() - interval '2 h' WHERE name = 'lost'",
    );
    const { code, stdout } = await lovage(['doctor']);
    expect(stdout).toContain(
      '✗ schedule lost is 2 h late: no live worker knows the task "gone.away"\n    → start a worker',
    );
    expect(code).toBe(1);
    await lab.sql("DELETE FROM lovage.schedule WHERE name = 'lost'");
  });

  test('finds what was changed behind Lovage’s back, and mends it', async () => {
    const [task] = await json<{ id: string }[]>(['enqueue', 'diag.noop', '--delay', '60000']).then((one) =>
      [one].flat(),
    );
    const client = await lab.lovage.pool.connect();
    await client.query('BEGIN; SET LOCAL session_replication_role = replica');
    await client.query('DELETE FROM pgboss.job WHERE id = $1', [task?.id]);
    await client.query('COMMIT');
    client.release();
    const broken = await lovage(['doctor']);
    expect(broken.code).toBe(1);
    expect(broken.stdout).toContain(`✗ invariant one-job-per-task is broken for ${task?.id}`);
    expect(broken.stdout).toContain('→ lovage doctor --repair');
    const mended = await lovage(['doctor', '--repair']);
    expect(mended.stdout).toContain('repair: restored the job of a queued task');
    expect(mended.code).toBe(0);
    expect(await json<{ state: string }[]>(['doctor', '--json'])).toContainEqual({
      state: 'good',
      what: 'every invariant holds',
    });
  });

  test('finds triggers that are switched off', async () => {
    await lab.sql('ALTER TABLE pgboss.job DISABLE TRIGGER lovage_delete');
    const { code, stdout } = await lovage(['doctor', '--repair']);
    expect(code).toBe(0);
    expect(stdout).toContain('✓ the journal’s triggers are in place');
  });
});

test('ten processes may migrate an empty database at once', async () => {
  const url = withDatabase(lab.url, 'lovage_empty');
  await onServer(lab.url, 'CREATE DATABASE lovage_empty');
  try {
    const runs = await Promise.all(Array.from({ length: 10 }, () => run(['migrate'], { DATABASE_URL: url })));
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      runs.map(() => ({ code: 0, stderr: '' })),
    );
    expect(runs[0]?.stdout).toMatch(/^The database is up to date: \d+ queues, \d+ task definitions\n$/);
  } finally {
    await onServer(lab.url, 'DROP DATABASE lovage_empty WITH (FORCE)');
  }
}, 60_000);
