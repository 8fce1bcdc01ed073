import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noop } from '../../packs/diag/tasks.ts';
import { listGrants } from '../../src/grants/list.ts';
import { openLab, type Lab } from '../lab.ts';

/** Postgres lets everybody run a new function, and those of the journal run as their owner. */
let lab: Lab;
let reader: Role;
let operator: Role;

interface Role {
  name: string;
  query: pg.Client['query'];
  end(): Promise<void>;
}

/** A role that logs in by itself: `SET ROLE` would leave the superuser as the one who did it. */
async function createRole(purpose: string, grants: (role: string) => string): Promise<Role> {
  const name = `lovage_${purpose}_${randomUUID().slice(0, 8)}`;
  const password = randomUUID();
  await lab.sql(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'; ${grants(name)}`);
  const url = Object.assign(new URL(lab.url), { username: name, password });
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  return {
    name,
    query: client.query.bind(client),
    async end() {
      await client.end();
      await lab.sql(`DROP OWNED BY ${name}; DROP ROLE ${name}`);
    },
  };
}

beforeAll(async () => {
  lab = await openLab();
  const { job_table: partition } = (
    await lab.sql<{ job_table: string }>(`SELECT lovage.job_table('diag') AS job_table`)
  )[0] ?? { job_table: '' };
  reader = await createRole(
    'reader',
    (role) => `${listGrants('read', role).join(' ')} GRANT SELECT ON ALL TABLES IN SCHEMA lovage TO ${role}`,
  );
  operator = await createRole(
    'operator',
    (role) =>
      `GRANT USAGE ON SCHEMA pgboss TO ${role}; GRANT SELECT, UPDATE ON pgboss.job, pgboss."${partition}" TO ${role}`,
  );
});
afterAll(async () => {
  await operator.end();
  await reader.end();
  await lab[Symbol.asyncDispose]();
});

const refused = { code: '42501' };

describe('a role that may read lovage’s tables', () => {
  test.each<[string, (id: string) => string]>([
    ['add_tasks', () => `SELECT * FROM lovage.add_tasks('[{"name": "diag.noop", "queue": "diag"}]')`],
    ['add_large_task', () => `SELECT * FROM lovage.add_large_task('{}', NULL, '{}')`],
    [
      'settle',
      (id) =>
        `SELECT * FROM lovage.settle('diag', gen_random_uuid(), '[{"id": "${id}", "attempt": 1, "kind": "cancelled"}]')`,
    ],
    ['rescue', () => `SELECT * FROM lovage.rescue('1 s')`],
    ['cancel', (id) => `SELECT lovage.cancel('${id}')`],
    ['retry', (id) => `SELECT lovage.retry('${id}')`],
    ['reconcile', () => 'SELECT * FROM lovage.reconcile()'],
  ])('cannot execute lovage.%s()', async (_name, call) => {
    const { id } = await lab.enqueue(noop, {});
    await expect(reader.query(call(id))).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('permission denied for function'),
    });
    expect(await lab.get(id)).toMatchObject({ state: 'queued', attempt: 0 });
    expect(await lab.eventTypes(id)).toEqual(['queued']);
  });

  test('can execute nothing that changes anything as the owner of lovage, triggers included', async () => {
    const { rows } = await reader.query(
      `SELECT p.oid::regprocedure::text AS executable FROM pg_proc p
       WHERE p.pronamespace = 'lovage'::regnamespace AND p.prosecdef AND p.provolatile = 'v'
         AND has_function_privilege(p.oid, 'EXECUTE') ORDER BY 1`,
    );
    expect(rows).toEqual([]);
  });

  test('reads every table and view', async () => {
    const { id } = await lab.enqueue(noop, {});
    const { rows } = await reader.query<{ name: string }>(
      `SELECT c.oid::regclass::text AS name FROM pg_class c
       WHERE c.relnamespace = 'lovage'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')`,
    );
    for (const { name } of rows) await reader.query(`SELECT * FROM ${name} LIMIT 1`);

    expect(rows.map(({ name }) => name)).toContain('lovage.task');
    const { rows: tasks } = await reader.query('SELECT state FROM lovage.task WHERE id = $1', [id]);
    expect(tasks).toEqual([{ state: 'queued' }]);
  });

  test.each(['UPDATE lovage.task SET priority = 9', 'DELETE FROM lovage.task_event'])(
    'cannot write: %s',
    async (statement) => {
      await expect(reader.query(statement)).rejects.toMatchObject(refused);
    },
  );
});

describe('a role that may update jobs, and nothing of lovage’s own', () => {
  test.each([
    ['the parent', async () => 'pgboss.job'],
    [
      'the partition',
      async () => {
        const [row] = await lab.sql<{ job_table: string }>(`SELECT lovage.job_table('diag') AS job_table`);
        return `pgboss."${row?.job_table}"`;
      },
    ],
  ])('is journaled under its name when it changes a priority through %s', async (_which, table) => {
    const { id } = await lab.enqueue(noop, {});
    await operator.query(`UPDATE ${await table()} SET priority = 7 WHERE id = $1`, [id]);

    expect(await lab.get(id)).toMatchObject({ state: 'queued', priority: 7 });
    expect((await lab.events(id)).at(-1)).toMatchObject({
      type: 'changed',
      data: { priority: 7, by: `sql:${operator.name}` },
    });
    expect(await lab.violations()).toEqual([]);
  });

  test('cancels a waiting task by its job', async () => {
    const { id } = await lab.enqueue(noop, {});
    await operator.query(`UPDATE pgboss.job SET state = 'cancelled' WHERE id = $1`, [id]);

    expect((await lab.events(id)).at(-1)).toMatchObject({
      type: 'cancelled',
      data: { by: `sql:${operator.name}` },
    });
    expect(await lab.violations()).toEqual([]);
  });

  test('cannot go round the journal to lovage’s verbs', async () => {
    const { id } = await lab.enqueue(noop, {});
    await expect(operator.query(`SELECT lovage.cancel('${id}')`)).rejects.toMatchObject(refused);
  });
});
