import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLab, until, type Lab } from '../lab.ts';
import { inTransaction } from '../transaction.ts';
import { kill } from '../worker/processes.ts';
import { startApiProcess, type ApiProcess } from './api-process.ts';

let lab: Lab;
let steady: ApiProcess;
let doomed: ApiProcess;
beforeAll(async () => {
  lab = await openLab();
  [steady, doomed] = await Promise.all([startApiProcess(lab.url), startApiProcess(lab.url)]);
}, 60_000);
afterAll(async () => {
  await kill(steady);
  await kill(doomed);
  await lab[Symbol.asyncDispose]();
});

const submit = (node: ApiProcess, key: string) =>
  node.call('POST', '/v1/tasks/diag.echo', { body: { value: key }, headers: { 'idempotency-key': key } });
const tasksOf = (key: string) =>
  lab.sql<{ id: string }>("SELECT id FROM lovage.task WHERE input ->> 'value' = $1", [key]);
const keyOf = (key: string) =>
  lab.sql<{ task_id: string }>('SELECT task_id FROM lovage.idempotency_key WHERE key = $1', [key]);

/** Everything that is asked stops between its key and its task until `work` is done. */
const whileHeldUp = <Result>(work: () => Promise<Result>): Promise<Result> =>
  inTransaction(lab.lovage.pool, async (tx) => {
    await tx.query('LOCK TABLE lovage.task IN SHARE MODE');
    return work();
  });
const BLOCKED = `datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%add_task_once%'`;
const whenBlocked = (count: number) =>
  until(
    () => lab.sql(`SELECT FROM pg_stat_activity WHERE ${BLOCKED}`),
    (rows) => rows.length === count,
  );

test('fifty twins on two nodes, of which one is killed among them, make exactly one task that all of them get', async () => {
  const key = 'killed';
  const answers = await whileHeldUp(async () => {
    const sent = Array.from({ length: 50 }, (_, n) => submit(n % 2 ? steady : doomed, key));
    // What its node cannot answer any more a client sends again, to the other.
    const persistent = sent.map((answer) => answer.catch(() => submit(steady, key)));
    await whenBlocked(20);
    await kill(doomed);
    return persistent;
  });
  const shown = await Promise.all(answers);
  expect(shown.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 202));
  const [task, ...more] = await tasksOf(key);
  expect(more).toEqual([]);
  expect(new Set(shown.map(({ body }) => body.id))).toEqual(new Set([task?.id]));
  expect(await keyOf(key)).toEqual([{ task_id: task?.id }]);
  expect(await lab.violations()).toEqual([]);
});

test('a request that dies between its key and its task leaves neither, and the key can be used', async () => {
  const key = 'undone';
  const first = await whileHeldUp(async () => {
    const sent = submit(steady, key);
    await whenBlocked(1);
    await lab.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${BLOCKED}`);
    return sent;
  });
  expect(first.status).toBe(503);
  expect([await tasksOf(key), await keyOf(key)]).toEqual([[], []]);
  const again = await submit(steady, key);
  expect(again.status).toBe(202);
  expect(await keyOf(key)).toEqual([{ task_id: again.body.id }]);
});
