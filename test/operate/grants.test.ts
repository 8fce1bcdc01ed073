import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { echo } from '../../packs/diag/tasks.ts';
import { describeLackingRight } from '../../src/db/lacking-right.ts';
import { listGrants } from '../../src/grants/list.ts';
import { oneLine, run } from '../cli/run.ts';
import { openLab, type Lab } from '../lab.ts';
import { inPsql, openRole } from './sql-lab.ts';

let lab: Lab;
let reader: Awaited<ReturnType<typeof openRole>>;
let operator: Awaited<ReturnType<typeof openRole>>;
beforeAll(async () => {
  lab = await openLab();
  await lab.worker();
  reader = await openRole(lab, { name: 'reader' });
  operator = await openRole(lab, { name: 'on-call "ada"' });
  await lab.sql(listGrants('read', reader.role).join(' '));
});
afterAll(async () => {
  await reader[Symbol.asyncDispose]();
  await operator[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

/** As a person types it, in the real psql. */
const psql = (url: string, text: string) => promisify(execFile)('psql', ['-X', '-At', '-d', url, '-c', text]);

const readable = async () =>
  (
    await lab.sql<{ name: string }>(
      `SELECT relname::text AS name FROM pg_class
       WHERE relnamespace = 'lovage'::regnamespace AND relkind = 'v' ORDER BY 1`,
    )
  ).map(({ name }) => name);

test('a reader sees every view but the payloads, explains tasks, and may nothing else', async () => {
  const { id } = await lab.enqueue(echo, { value: 'secret words' });
  await lab.final(id);
  const views = await readable();
  expect(views).toContain('v_payloads');
  for (const view of views) {
    const asked = inPsql(reader.url, `SELECT * FROM lovage.${view} ORDER BY 1 LIMIT 5`);
    if (view === 'v_payloads') await expect(asked).rejects.toMatchObject({ code: '42501' });
    else expect(JSON.stringify((await asked).rows)).not.toContain('secret words');
  }
  expect((await psql(reader.url, `SELECT reason FROM lovage.explain('${id}')`)).stdout).toBe('final\n');

  for (const forbidden of [
    `SELECT lovage.cancel('${id}')`,
    `SELECT lovage.enqueue('diag.noop')`,
    `SELECT lovage.pause('diag')`,
    'SELECT * FROM lovage.task',
    'SELECT * FROM lovage.task_archive',
    'SELECT * FROM lovage.api_key',
    'SELECT * FROM lovage.webhook_endpoint',
    'SELECT * FROM pgboss.job',
    `UPDATE lovage.v_tasks SET priority = 9`,
    `DELETE FROM lovage.v_audit`,
  ])
    await expect(inPsql(reader.url, forbidden), forbidden).rejects.toThrow(/denied|cannot/);
});

test('of the functions a reader may call only those that are listed', async () => {
  const rows = await lab.sql<{ name: string }>(
    `SELECT p.proname::text AS name FROM pg_proc p
     WHERE p.pronamespace = 'lovage'::regnamespace AND has_function_privilege($1, p.oid, 'EXECUTE') ORDER BY 1`,
    [reader.role],
  );
  const names = rows.map(({ name }) => name);
  const granted = /FUNCTION (.*) TO/.exec(listGrants('read', 'x').join(' '))?.[1] ?? '';
  const listed = granted.split(', ').map((name) => name.replace('lovage.', ''));
  // To all: what computes without reading.
  expect(names).toEqual([...listed, 'actor', 'is_final', 'setting', 'uuid_v7'].toSorted());
});

test('an operator, whatever his name, is granted his rights by one command and acts under his name', async () => {
  const { code, stdout } = await run(['grants', '--operate', operator.role, '--apply'], {
    DATABASE_URL: lab.url,
  });
  expect({ code, stdout }).toEqual({ code: 0, stdout: `Role ${operator.role} may operate\n` });

  const { stdout: printed } = await psql(
    operator.url,
    `SELECT lovage.enqueue('diag.echo', '{"value": 1}', delay => '1 hour')`,
  );
  const id = printed.trim();
  await psql(operator.url, `SELECT lovage.cancel('${id}', 'a typo')`);
  expect((await lab.events(id)).map(({ type, data }) => [type, data['by']])).toEqual([
    ['queued', `sql:${operator.role}`],
    ['cancelled', `sql:${operator.role}`],
  ]);
  const audit = await lab.sql('SELECT action FROM lovage.v_audit WHERE actor = $1 ORDER BY id', [
    `sql:${operator.role}`,
  ]);
  expect(audit).toEqual([{ action: 'tasks.enqueue' }, { action: 'tasks.cancel' }]);
  const payload = await psql(operator.url, `SELECT input FROM lovage.v_payloads WHERE id = '${id}'`);
  expect(payload.stdout).toBe('{"value": 1}\n');
  for (const act of [
    `pause('diag')`,
    `resume('diag')`,
    `retry('${id}')`,
    `cancel_many(ARRAY['${id}'::uuid])`,
    `retry_many('{}')`,
    `limit_queue('spare', running => 1)`,
    `follow_config('spare')`,
    'check_invariants()',
  ])
    await inPsql(operator.url, `SELECT lovage.${act}`);
  await expect(inPsql(operator.url, 'SELECT * FROM lovage.task')).rejects.toMatchObject({ code: '42501' });
  await expect(inPsql(operator.url, `SELECT lovage.settle('diag', NULL, '[]')`)).rejects.toMatchObject({
    code: '42501',
  });
});

test('a role’s name is quoted, and what is none is refused', async () => {
  expect(listGrants('read', 'a"; DROP SCHEMA lovage; --')[0]).toBe(
    'GRANT USAGE ON SCHEMA lovage TO "a""; DROP SCHEMA lovage; --";',
  );
  expect(listGrants('read', 'PUBLIC')[0]).toContain('TO "PUBLIC"');
  for (const name of ['', 'a\0b', 'ä'.repeat(32)]) expect(() => listGrants('read', name)).toThrow(/1 to 63/);
  const { code, stderr } = await run(['grants', '--read', 'nobody-yet', '--apply'], {
    DATABASE_URL: lab.url,
  });
  expect(stderr).toMatch(oneLine(/Postgres refused the connection: role "nobody-yet" does not exist/));
  expect(code).toBe(1);
  expect((await run(['grants'])).code).toBe(2);
});

test('what a role lacks is named with its grant: by the error, by doctor and by start, in one line', async () => {
  const refused = async (text: string) =>
    describeLackingRight(await inPsql(reader.url, text).catch((error: unknown) => error), 'ada');
  expect(await refused(`SELECT lovage.cancel(lovage.uuid_v7())`)).toBe(
    'permission denied for function cancel: lovage grants --operate ada --apply',
  );
  expect(await refused(`SELECT * FROM lovage.v_payloads`)).toContain('lovage grants --operate ada');
  expect(await refused(`SELECT * FROM lovage.task`)).toContain('GRANT ALL ON lovage.task TO ada');
  expect(await refused(`SELECT * FROM pgboss.queue`)).toContain('GRANT USAGE ON SCHEMA pgboss TO ada');

  const doctor = await run(['doctor'], { DATABASE_URL: reader.url });
  expect(doctor.code).toBe(1);
  expect(doctor.stdout).toContain(`✗ the role ${reader.role} lacks rights`);
  expect(doctor.stdout).toMatch(new RegExp(`→ GRANT \\S+ TO ${reader.role}`));

  const worker = await run(['worker'], { DATABASE_URL: reader.url });
  expect(worker.code).toBe(1);
  expect(worker.stderr).toMatch(oneLine(/Postgres refuses: permission denied for [^\n]+GRANT[^\n]+/));
});

test('the API under a role without rights answers which grant is missing', async () => {
  const { toLovageError } = await import('../../src/api/errors.ts');
  const pool = new pg.Pool({ connectionString: reader.url, max: 1 });
  const error = await pool.query('SELECT * FROM lovage.task').catch((cause: unknown) => cause);
  await pool.end();
  expect(toLovageError(error)).toMatchObject({
    code: 'not-configured',
    message: expect.stringContaining('GRANT ALL ON lovage.task'),
  });
});
