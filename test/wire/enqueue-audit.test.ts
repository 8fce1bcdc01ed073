import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { AuditEntry } from '../../src/audit/entry.ts';
import { insertEntries, rowOf, type KeptEntry } from '../../src/audit/insert.ts';
import type { AuditRow } from '../../src/db/audit-rows.ts';
import type { NewTask } from '../../src/queue/send.ts';
import { Sender } from '../../src/queue/sender.ts';
import { uuidV7 } from '../../src/uuid.ts';
import { type HttpLab, openHttpLab, serve, type Server } from '../api/http-lab.ts';
import { newTask } from '../journal/journal-lab.ts';
import { until } from '../lab.ts';
import { inTransaction } from '../transaction.ts';
import { openWire } from '../worker/processes.ts';

let lab: HttpLab;
let server: Server;
beforeAll(async () => {
  lab = await openHttpLab();
  server = await serve(lab.lab.url, undefined, undefined, { maxBodyBytes: MAX_BODY_BYTES });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

const MAX_BODY_BYTES = 1_000_000;
/** So large that it is stored as it came. */
const LARGE = { value: 'x'.repeat(300_000) };

const json = { 'content-type': 'application/json' };
/** Each row of a call, and whether it came in the commit of the task that it tells of. */
const rowsOf = (requestId: string) =>
  lab.lab.sql<{ target: string | null; outcome: string; isInCommit: boolean }>(
    `SELECT a.target, a.outcome, coalesce(a.xmin = t.xmin AND a.at = t.created_at, false) AS "isInCommit"
     FROM lovage.audit_log a LEFT JOIN lovage.task t ON t.id::text = a.target
     WHERE a.request_id = $1 ORDER BY a.id`,
    [requestId],
  );
let calls = 0;
const nextRequest = () => ({ 'x-request-id': `noted-${(calls += 1)}` });
const entryOf = (requestId: string, detail = {}): AuditEntry => ({
  caller: { actor: 'key:x', tenant: 'default', origin: { requestId } },
  action: 'tasks.enqueue',
  target: null,
  outcome: 'ok',
  detail,
});
const noteOf = ({ id }: { id: string }, requestId: string, detail = {}): AuditRow =>
  rowOf(uuidV7(), { ...entryOf(requestId, detail), target: id });
const several = (count: number): (NewTask & { id: string })[] =>
  Array.from({ length: count }, (_, n) => ({ ...newTask({ input: { n } }), id: uuidV7() }));

describe('an accepted enqueue and its row in the audit log', () => {
  test.each<[string, string, unknown]>([
    ['REST', '/v1/tasks/diag.noop', {}],
    ['REST, its body stored as it came', '/v1/tasks/diag.echo', LARGE],
    ['REST, with a callback', '/v1/tasks/diag.noop?callbackUrl=https%3A%2F%2Fexample.com', {}],
    ['tRPC', '/trpc/tasks.enqueue', { name: 'diag.noop', input: {} }],
    ['tRPC by its name', '/trpc/run.diag.noop', { input: {} }],
    ['a dialect', '/old/analyze', { ticker: 'ACME', year: 2024 }],
  ])('are one commit over %s', async (_face, path, body) => {
    const headers = { ...json, ...nextRequest() };
    const { status, text } = await server.call('POST', path, { body, headers });
    expect(status, text).toBeLessThan(300);
    expect(await rowsOf(headers['x-request-id'])).toEqual([
      { target: expect.any(String) as string, outcome: 'ok', isInCommit: true },
    ]);
  });

  test('are one statement, and no other waits for the audit log', async () => {
    await using wire = await openWire(lab.lab.url);
    await using server = await serve(wire.url, undefined, undefined, { maxBodyBytes: MAX_BODY_BYTES });
    await Promise.all(
      Array.from({ length: 20 }, () => server.call('POST', '/v1/tasks/diag.noop', { body: {} })),
    );
    await server.call('POST', '/v1/tasks/diag.echo', { body: LARGE });
    expect(wire.sent('lovage_add_noted_tasks')).toBeGreaterThan(0);
    expect(wire.sent('lovage_add_noted_large_task')).toBe(1);
    expect(wire.sent('lovage_audit')).toBe(0);
    expect(wire.sent('lovage_add_tasks')).toBe(0);
  });

  test('are two where the task may have been there before: under a key each request has a row', async () => {
    const headers = { 'idempotency-key': 'noted', ...nextRequest() };
    const body = {};
    const { body: first } = await lab.call('POST', '/v1/tasks/diag.noop', { body, headers });
    await lab.call('POST', '/v1/tasks/diag.noop', { body, headers });
    const row = { target: first.id, outcome: 'ok', isInCommit: false };
    expect(await rowsOf(headers['x-request-id'])).toEqual([row, row]);
  });

  test('of sixty-four callers at once are one row each', async () => {
    const headers = nextRequest();
    const answers = await Promise.all(
      Array.from({ length: 64 }, () => lab.call('POST', '/v1/tasks/diag.noop', { body: {}, headers })),
    );
    const rows = await rowsOf(headers['x-request-id']);
    expect(rows).toHaveLength(64);
    expect(new Set(rows.map(({ target }) => target))).toEqual(new Set(answers.map(({ body }) => body.id)));
    expect(rows.filter(({ isInCommit }) => !isInCommit)).toEqual([]);
  });
});

describe('in a group', () => {
  test('tasks with a note and tasks without share a commit; what no column takes is replaced', async () => {
    const { sender } = lab.lovage;
    const [noted, plain, odd] = several(3) as [NewTask & { id: string }, NewTask, NewTask & { id: string }];
    await Promise.all([
      sender.send(noted, undefined, noteOf(noted, 'mixed')),
      sender.send(plain),
      sender.send(odd, undefined, noteOf(odd, 'mixed', { name: '\0\ud800' })),
    ]);
    expect(await rowsOf('mixed')).toMatchObject([
      { target: noted.id, isInCommit: true },
      { target: odd.id, isInCommit: true },
    ]);
    const [counts] = await lab.lab.sql(
      'SELECT count(DISTINCT xmin::text)::int AS commits FROM lovage.task WHERE id = ANY ($1)',
      [[noted.id, plain.id, odd.id]],
    );
    expect(counts).toEqual({ commits: 1 });
  });

  test('tasks without a note are the plain statement', async () => {
    await using wire = await openWire(lab.lab.url);
    const pool = new pg.Pool({ connectionString: wire.url });
    const sender = new Sender(pool);
    await Promise.all(several(3).map((task) => sender.send(task)));
    await sender.send(newTask(), Buffer.from('{}'));
    await pool.end();
    const names = ['lovage_add_tasks', 'lovage_add_large_task', 'lovage_add_noted'];
    expect(names.map((name) => wire.sent(name))).toEqual([1, 1, 0]);
  });

  test('that Postgres refuses, the refused task leaves no row, and each other exactly one', async () => {
    const tasks = several(9).map((task, n) => (n === 5 ? { ...task, maxAttempts: 0 } : task));
    const answers = await Promise.allSettled(
      tasks.map((task) => lab.lovage.sender.send(task, undefined, noteOf(task, 'split'))),
    );
    expect(answers.map(({ status }) => status)).toEqual(
      tasks.map((_, n) => (n === 5 ? 'rejected' : 'fulfilled')),
    );
    const rows = await rowsOf('split');
    expect(rows.map(({ target }) => target)).toEqual(tasks.filter((_, n) => n !== 5).map(({ id }) => id));
    expect(rows.filter(({ isInCommit }) => !isInCommit)).toEqual([]);
  });

  test('of calls, the one that Postgres refuses is written down as refused, once', async () => {
    await lab.lab.sql("SELECT pgboss.delete_queue('children')");
    const headers = nextRequest();
    const names = ['diag.noop', 'diag.noop', 'family.child', 'diag.noop'];
    const answers = await Promise.all(
      names.map((name) => lab.call('POST', `/v1/tasks/${name}`, { body: { value: 1 }, headers })),
    );
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 503, 202]);
    // That of an outage is written after the answer.
    const rows = await until(
      () => rowsOf(headers['x-request-id']),
      ({ length }) => length >= names.length,
    );
    expect(rows.map(({ outcome }) => outcome).toSorted()).toEqual(['ok', 'ok', 'ok', 'queue-unavailable']);
    expect(rows.filter(({ isInCommit }) => isInCommit)).toHaveLength(3);
  });
});

describe('no row is doubled', () => {
  test('where the answer to the commit was lost: the row of the commit stays', async () => {
    await using wire = await openWire(lab.lab.url);
    await using server = await serve(wire.url);
    await server.call('POST', '/v1/tasks/diag.noop', { body: {} });
    const said = vi.spyOn(server.lovage.audit, 'write');
    const headers = nextRequest();
    const cut = wire.cutAnswer('lovage_add_noted_tasks', 'SELECT');
    const answer = await server.call('POST', '/v1/tasks/diag.noop', { body: {}, headers });
    await cut;
    expect([answer.status, answer.text]).toEqual([503, expect.stringMatching(/may have been carried out/)]);
    expect(said).toHaveBeenCalledOnce();
    await said.mock.results[0]?.value;
    expect(wire.sent('lovage_audit')).toBe(1);
    expect(await rowsOf(headers['x-request-id'])).toEqual([
      { target: expect.any(String) as string, outcome: 'ok', isInCommit: true },
    ]);
  });

  test('where its caller was told before the commit that Postgres does not answer: that row stays', async () => {
    const [task] = several(1) as [NewTask & { id: string }];
    const note = noteOf(task, 'told-before');
    await lab.lovage.audit.write(
      { ...entryOf('told-before'), target: task.id, outcome: 'queue-unavailable' },
      note.id,
    );
    await lab.lovage.sender.send(task, undefined, note);
    expect(await rowsOf('told-before')).toEqual([
      { target: task.id, outcome: 'queue-unavailable', isInCommit: false },
    ]);
  });
});

test('two statements with the same rows, each in its own order, wait for each other and do not deadlock', async () => {
  const { pool } = lab.lovage;
  const [first, second, ...held] = Array.from({ length: 4 }, (_, n) => ({
    id: uuidV7(),
    entry: entryOf(`order-${n}`),
    madeAt: performance.now(),
  })) as [KeptEntry, KeptEntry, KeptEntry, KeptEntry];
  const waiting = () =>
    lab.lab.sql(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%audit_log%'`,
    );
  const written = await inTransaction(pool, async (tx) => {
    await insertEntries(tx, held);
    const both = Promise.allSettled([
      insertEntries(pool, [first, held[0], second]),
      insertEntries(pool, [second, held[1], first]),
    ]);
    await until(waiting, ({ length }) => length === 2);
    return { both };
  });
  expect((await written.both).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
});
