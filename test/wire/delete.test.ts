import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpLab, openHttpLab } from '../api/http-lab.ts';

let lab: HttpLab;
beforeAll(async () => {
  lab = await openHttpLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const submit = async () => (await lab.call('POST', '/v1/tasks/diag.echo', { body: { value: 1 } })).body.id;
const cancelled = async () => {
  const id = await submit();
  await lab.call('POST', `/v1/tasks/${id}/cancel`);
  return id;
};
const remove = (id: string, key?: string) =>
  lab.call('DELETE', `/v1/tasks/${id}`, key === undefined ? {} : { key });
const sql = <Row extends object>(text: string, values: unknown[]) => lab.lab.sql<Row>(text, values);

/** Every row of a table of Lovage's that names the task. */
async function traces(id: string): Promise<string[]> {
  const columns = await lab.lab.sql<{ tbl: string; col: string }>(
    `SELECT c.table_name AS tbl, c.column_name AS col FROM information_schema.columns c
     JOIN information_schema.tables t USING (table_schema, table_name)
     WHERE c.table_schema = 'lovage' AND t.table_type = 'BASE TABLE' AND c.data_type = 'uuid'`,
  );
  const found: string[] = [];
  for (const { tbl, col } of columns) {
    const rows = await sql(`SELECT FROM lovage."${tbl}" WHERE "${col}" = $1`, [id]);
    if (rows.length > 0) found.push(tbl);
  }
  return [...new Set(found)].toSorted();
}

test('a final task is removed with its result, history, progress, callback and deliveries', async () => {
  const id = await cancelled();
  await sql(`INSERT INTO lovage.task_progress (task_id, attempt, current) VALUES ($1, 1, 1)`, [id]);
  await sql(`INSERT INTO lovage.task_callback (task_id, url) VALUES ($1, 'https://example.com/hook')`, [id]);
  await sql(`INSERT INTO lovage.task_result (task_id, output, expires_at) VALUES ($1, '1', now())`, [id]);
  await sql(
    `INSERT INTO lovage.webhook_delivery (id, tenant, url, event, task_id, payload)
     VALUES (lovage.uuid_v7(), 'default', 'https://example.com/hook', 'task.cancelled', $1, '{}')`,
    [id],
  );
  expect(await traces(id)).toEqual([
    'task',
    'task_callback',
    'task_event',
    'task_progress',
    'task_result',
    'webhook_delivery',
  ]);
  expect(await remove(id)).toMatchObject({ status: 204, text: '' });
  expect(await traces(id)).toEqual([]);
  expect((await lab.call('GET', `/v1/tasks/${id}`)).status).toBe(404);
  expect(await remove(id)).toMatchObject({ status: 404, body: { type: '/problems/task-not-found' } });
  expect(await lab.lab.violations()).toEqual([]);
});

test('a task that is not final stays as it is', async () => {
  const id = await submit();
  expect(await remove(id)).toMatchObject({ status: 409, body: { type: '/problems/conflict' } });
  expect(await lab.lab.get(id)).toMatchObject({ state: 'queued', input: { value: 1 } });
  expect(await lab.lab.eventTypes(id)).toEqual(['queued']);
});

test('what psql left of its job goes too, so that nothing brings it back', async () => {
  const id = await submit();
  await sql(`UPDATE pgboss.job SET state = 'completed' WHERE id = $1`, [id]);
  expect((await remove(id)).status).toBe(204);
  expect(await sql('SELECT FROM pgboss.job WHERE id = $1', [id])).toEqual([]);
  expect(await lab.lab.violations()).toEqual([]);
});

test('a task that its batch or its parent still needs stays until they have ended', async () => {
  const [member, child, parent] = [await cancelled(), await cancelled(), await submit()];
  const [batch] = await sql<{ id: string }>(
    `INSERT INTO lovage.batch (id, tenant, size) VALUES (lovage.uuid_v7(), 'default', $1) RETURNING id`,
    [1],
  );
  await sql('UPDATE lovage.task SET batch_id = $2 WHERE id = $1', [member, batch?.id]);
  await sql(`UPDATE lovage.task SET parent_id = $2, parent_step = 'a' WHERE id = $1`, [child, parent]);
  expect([(await remove(member)).status, (await remove(child)).status]).toEqual([409, 409]);

  await sql('UPDATE lovage.batch SET finished_at = now() WHERE id = $1', [batch?.id]);
  await lab.call('POST', `/v1/tasks/${parent}/cancel`);
  expect([(await remove(member)).status, (await remove(child)).status]).toEqual([204, 204]);
});

test('it takes an admin of the same tenant, over REST and tRPC alike', async () => {
  const id = await cancelled();
  const operator = await lab.keyFor(['enqueue', 'read', 'cancel']);
  const stranger = await lab.keyFor(['admin'], 'acme');
  expect((await remove(id, operator)).status).toBe(403);
  expect((await remove(id, stranger)).status).toBe(404);
  expect((await remove('nonsense')).status).toBe(404);
  const options = { body: { id }, headers: { 'content-type': 'application/json' } };
  expect((await lab.call('POST', '/trpc/tasks.remove', { ...options, key: operator })).status).toBe(403);
  expect((await lab.call('POST', '/trpc/tasks.remove', options)).status).toBe(200);
  expect(await traces(id)).toEqual([]);
});
