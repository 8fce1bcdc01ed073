import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { AuditWriter } from '../../src/audit/writer.ts';
import { createLog } from '../../src/log.ts';
import type { AuditView } from '../../src/wire/audit.ts';
import { type CallOptions, type HttpLab, openHttpLab } from '../api/http-lab.ts';
import { run } from '../cli/run.ts';
import { until } from '../lab.ts';

let lab: HttpLab;
beforeAll(async () => {
  lab = await openHttpLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const UNKNOWN = '0197b6f0-0000-7000-8000-000000000000';
const json = { 'content-type': 'application/json' };
const submit = async (idempotencyKey?: string) => {
  const headers: Record<string, string> =
    idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
  return (await lab.call('POST', '/v1/tasks/diag.noop', { body: {}, headers })).body.id;
};
const audit = async (query = '', key?: string) => {
  const { body } = await lab.call('GET', `/v1/audit${query}`, key === undefined ? {} : { key });
  return (body as unknown as { items: AuditView[] }).items;
};
/** What is there of a call that was made under this request id. */
const recordsOf = (requestId: string) =>
  lab.lab.sql<AuditView>('SELECT * FROM lovage.v_audit WHERE request_id = $1', [requestId]);
let calls = 0;
const traced = async (method: string, path: string, options: CallOptions = {}) => {
  const requestId = `traced-${(calls += 1)}`;
  const headers = { ...options.headers, 'x-request-id': requestId };
  const answer = await lab.call(method, path, { ...options, headers });
  return { answer, records: await recordsOf(requestId) };
};

describe('a call that changes something', () => {
  test('is there when it is answered: who, what, to what, from where, when, how it ended', async () => {
    const key = await lab.keyFor(['enqueue', 'cancel'], 'acme');
    const made = await traced('POST', '/v1/tasks/diag.echo', { key, body: { value: 'a secret input' } });
    expect(made.records).toEqual([
      {
        id: expect.any(String) as string,
        at: expect.any(Date) as Date,
        tenant: 'acme',
        actor: 'key:enqueue-cancel',
        action: 'tasks.enqueue',
        target: made.answer.body.id,
        outcome: 'ok',
        ip: '127.0.0.1',
        request_id: made.answer.headers.get('x-request-id'),
        detail: { name: 'diag.echo' },
      },
    ]);
    const body = { reason: 'a typo' };
    const { records } = await traced('POST', `/v1/tasks/${made.answer.body.id}/cancel`, { key, body });
    expect(records).toMatchObject([
      {
        action: 'tasks.cancel',
        target: made.answer.body.id,
        detail: { reason: 'a typo', outcome: 'cancelled' },
      },
    ]);
  });

  test.each<[string, string, string, CallOptions, object]>([
    [
      'REST',
      'POST',
      '/v1/tasks:cancel',
      { body: { tag: 'none' } },
      { action: 'tasks.cancelAll', detail: { tag: 'none', cancelled: 0 } },
    ],
    [
      'REST',
      'POST',
      '/v1/queues/diag/pause',
      { body: { reason: 'calm' } },
      { action: 'queues.pause', target: 'diag', detail: { outcome: 'paused', reason: 'calm' } },
    ],
    [
      'tRPC',
      'POST',
      '/trpc/queues.resume',
      { body: { name: 'diag' }, headers: json },
      { action: 'queues.resume', target: 'diag', detail: { outcome: 'resumed' } },
    ],
    [
      'tRPC',
      'POST',
      '/trpc/run.diag.noop',
      { body: { input: {} }, headers: json },
      { action: 'tasks.enqueue', detail: { name: 'diag.noop' } },
    ],
    [
      'REST',
      'POST',
      '/v1/keys',
      { body: { name: 'made', scopes: ['read'] } },
      { action: 'keys.create', detail: { name: 'made', scopes: ['read'] } },
    ],
    [
      'a dialect',
      'POST',
      '/old/analyze',
      { body: { ticker: 'ACME', year: 2024 } },
      { action: 'tasks.enqueue', detail: { name: 'old.analyze' } },
    ],
  ])('is written down once, over %s: %s %s', async (_face, method, path, options, expected) => {
    const { answer, records } = await traced(method, path, options);
    expect(answer.status, answer.text).toBeLessThan(300);
    expect(records).toMatchObject([{ outcome: 'ok', actor: 'key:root', ...expected }]);
  });

  test('of a tRPC batch is a row of its own', async () => {
    const body = { 0: { name: 'diag.noop', input: {} }, 1: { id: UNKNOWN } };
    const { records } = await traced('POST', '/trpc/tasks.enqueue,tasks.cancel?batch=1', {
      body,
      headers: json,
    });
    expect(records.map(({ action, outcome }) => `${action} ${outcome}`).toSorted()).toEqual([
      'tasks.cancel task-not-found',
      'tasks.enqueue ok',
    ]);
  });

  test('that waits for its task is there before the wait is over', async () => {
    const requestId = 'patient';
    const stop = new AbortController();
    const waiting = lab.call('POST', '/v1/tasks/diag.noop?wait=60', {
      body: {},
      headers: { 'x-request-id': requestId },
      signal: stop.signal,
    });
    expect(
      await until(
        () => recordsOf(requestId),
        ({ length }) => length > 0,
      ),
    ).toMatchObject([{ action: 'tasks.enqueue', outcome: 'ok' }]);
    stop.abort();
    await waiting.catch(() => undefined);
    expect(await recordsOf(requestId)).toHaveLength(1);
  });

  test('that only reads leaves nothing', async () => {
    const id = await submit();
    for (const path of ['/v1/tasks', `/v1/tasks/${id}`, '/v1/keys', '/v1/audit', `/v1/tasks/${UNKNOWN}`])
      expect((await traced('GET', path)).records).toEqual([]);
  });
});

describe('a refused call', () => {
  test.each<[string, string, CallOptions, object]>([
    [
      'POST',
      `/v1/tasks/${UNKNOWN}/cancel`,
      {},
      { action: 'tasks.cancel', target: UNKNOWN, outcome: 'task-not-found' },
    ],
    [
      'POST',
      '/v1/tasks/diag.nope',
      { body: {} },
      { action: 'tasks.enqueue', outcome: 'unknown-task-name', detail: { name: 'diag.nope' } },
    ],
    [
      'POST',
      '/v1/tasks/diag.sleep',
      { body: { ms: 'x' } },
      { action: 'tasks.enqueue', outcome: 'validation' },
    ],
    [
      'POST',
      '/v1/tasks/diag.noop',
      { body: '{' },
      { action: 'POST /v1/tasks/:id', target: '/v1/tasks/diag.noop', outcome: 'malformed-json' },
    ],
    [
      'POST',
      '/v1/tasks:cancel',
      { body: { colour: 'red' } },
      { action: 'POST /v1/tasks:cancel', outcome: 'validation' },
    ],
    [
      'POST',
      '/v1/keys',
      { body: { name: 'x'.repeat(200_000) } },
      { action: 'POST /v1/keys', outcome: 'payload-too-large' },
    ],
    [
      'POST',
      '/trpc/tasks.retry',
      { body: '{', headers: json },
      { action: 'tasks.retry', outcome: 'malformed-json' },
    ],
    ['POST', '/old/analyze', { body: { ticker: 1 } }, { action: 'tasks.enqueue', outcome: 'validation' }],
    ['DELETE', `/old/tasks/${UNKNOWN}`, {}, { action: 'DELETE /old/tasks/:id', outcome: 'task-not-found' }],
  ])('is written down with its code: %s %s', async (method, path, options, expected) => {
    const { answer, records } = await traced(method, path, options);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(records).toMatchObject([expected]);
  });

  test('is written down where its key lacks the scope, and not where it has no key or spent its rate', async () => {
    const key = await lab.keyFor(['read']);
    const { records } = await traced('POST', '/v1/tasks/diag.noop', { key, body: {} });
    expect(records).toMatchObject([{ actor: 'key:read', action: 'tasks.enqueue', outcome: 'forbidden' }]);
    expect((await traced('POST', '/v1/tasks/diag.noop', { key: 'nobody', body: {} })).records).toEqual([]);
    const { body } = await lab.call('POST', '/v1/keys', {
      body: { name: 'spent', rate: { limit: 1, periodMs: 60_000 } },
    });
    const { key: spent } = body as unknown as { key: string };
    await lab.call('GET', '/v1/tasks', { key: spent });
    const refused = await traced('POST', '/v1/tasks/diag.noop', { key: spent, body: {} });
    expect([refused.answer.status, refused.records]).toEqual([429, []]);
  });
});

test('inputs, keys and secrets never get in, whatever a caller puts where', async () => {
  const secret = 'hunter2-hunter2';
  await lab.call('POST', '/v1/tasks/diag.echo', { body: { value: secret } });
  await lab.call('POST', '/trpc/tasks.enqueue', {
    body: { name: 'diag.echo', input: { value: secret } },
    headers: json,
  });
  const { body } = await lab.call('POST', '/v1/keys', { body: { name: 'quiet', scopes: ['read'] } });
  const { key, id } = body as unknown as { key: string; id: string };
  const rotated = await lab.call('POST', `/v1/keys/${id}/rotate`);
  const everything = JSON.stringify(await lab.lab.sql('SELECT a::text FROM lovage.audit_log a'));
  expect(everything).toContain(id);
  for (const hidden of [secret, key, (rotated.body as unknown as { key: string }).key])
    expect(everything).not.toContain(hidden);
});

test('text that Postgres cannot store does not lose the row', async () => {
  const { records } = await traced('POST', '/trpc/tasks.cancel', {
    body: '{"id": "a\\u0000b\\ud800", "reason": "\\u0000"}',
    headers: json,
  });
  expect(records).toMatchObject([
    { action: 'tasks.cancel', target: 'a\uFFFDb\uFFFD', outcome: 'validation' },
  ]);
});

describe('reading it', () => {
  test('goes by actor, action, target and time, in pages, the newest first', async () => {
    const key = await lab.keyFor(['enqueue', 'admin'], 'readers');
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1)
      ids.push((await lab.call('POST', '/v1/tasks/diag.noop', { key, body: {} })).body.id);
    await lab.call('POST', `/v1/tasks/${ids[0]}/cancel`, { key });
    expect((await audit('?actor=key:enqueue-admin', key)).map(({ target }) => target)).toEqual([
      ids[0],
      ...ids.toReversed(),
    ]);
    expect(await audit('?action=tasks.cancel', key)).toMatchObject([
      { target: ids[0], actor: 'key:enqueue-admin' },
    ]);
    expect(await audit(`?target=${ids[1]}`, key)).toMatchObject([{ action: 'tasks.enqueue' }]);
    const [, second] = await audit('', key);
    expect(await audit(`?since=${second?.at}`, key)).toHaveLength(2);
    expect(await audit(`?until=${second?.at}`, key)).toHaveLength(2);
    const page = await lab.call('GET', '/v1/audit?limit=3', { key });
    const rest = await audit(`?limit=3&cursor=${page.body.nextCursor}`, key);
    expect(rest).toHaveLength(1);
    expect((await lab.call('GET', '/v1/audit?since=yesterday', { key })).status).toBe(422);
  });

  test('takes an admin, who sees his tenant; the root key sees all, or the one it names', async () => {
    const [mine, theirs] = [
      await lab.keyFor(['enqueue', 'admin'], 'mine'),
      await lab.keyFor(['enqueue', 'read'], 'theirs'),
    ];
    for (const key of [mine, theirs]) await lab.call('POST', '/v1/tasks/diag.noop', { key, body: {} });
    expect((await lab.call('GET', '/v1/audit', { key: theirs })).status).toBe(403);
    expect((await audit('', mine)).map(({ tenant }) => tenant)).toEqual(['mine']);
    expect((await lab.call('GET', '/v1/audit?tenant=theirs', { key: mine })).status).toBe(403);
    expect((await audit('?tenant=theirs')).map(({ tenant }) => tenant)).toEqual(['theirs']);
    expect(new Set((await audit('?limit=200')).map(({ tenant }) => tenant))).toContain('mine');
    const typed = await lab.call('GET', '/trpc/audit.list', { key: mine });
    expect(JSON.parse(typed.text)).toMatchObject({ result: { data: { items: [{ tenant: 'mine' }] } } });
  });
});

describe('outside HTTP', () => {
  test('an operator’s calls in psql are rows of their own transaction, and the API’s are not doubled', async () => {
    const [first, second] = [await submit(), await submit()];
    await lab.lab.sql(`SELECT lovage.cancel('${first}', 'by hand')`);
    await lab.lab.sql(`SELECT lovage.retry('${first}')`);
    await lab.lab.sql(`SELECT lovage.cancel('${UNKNOWN}')`);
    await lab.lab.sql(`SELECT lovage.pause('diag', 'calm'), lovage.resume('diag'), lovage.resume('nowhere')`);
    await expect(lab.lab.sql(`SELECT lovage.cancel('${second}'), 1 / 0`)).rejects.toThrow('division');
    const rows = await lab.lab.sql<AuditView>(
      `SELECT action, target, outcome, ip, detail FROM lovage.v_audit WHERE actor = 'sql:' || session_user ORDER BY id`,
    );
    expect(rows).toMatchObject([
      {
        action: 'tasks.cancel',
        target: first,
        outcome: 'ok',
        ip: '127.0.0.1',
        detail: { outcome: 'cancelled', reason: 'by hand' },
      },
      { action: 'tasks.retry', target: first, outcome: 'ok', detail: { outcome: 'queued' } },
      { action: 'tasks.cancel', target: UNKNOWN, outcome: 'task-not-found', detail: {} },
      { action: 'queues.pause', target: 'diag', detail: { outcome: 'paused', reason: 'calm' } },
      { action: 'queues.resume', target: 'diag', detail: { outcome: 'resumed' } },
      { action: 'queues.resume', target: 'nowhere', outcome: 'queue-not-found' },
    ]);
    const { records } = await traced('POST', `/v1/tasks/${second}/cancel`);
    expect(records).toHaveLength(1);
    expect(await audit(`?target=${second}&action=tasks.cancel`)).toHaveLength(1);
  });

  test('the command line’s verbs are written down as its user’s, refused ones too', async () => {
    const env = { DATABASE_URL: lab.lab.url };
    const id = await submit();
    await Promise.all([
      run(['cancel', id, '--reason', 'late'], env),
      run(['retry', UNKNOWN], env),
      run(['keys', 'create', 'robot', '--rate', '100/60s', '--priority=-5', '--tenant', 'acme'], env),
    ]);
    const rows = (await audit('?limit=200')).filter(({ actor }) => actor.startsWith('cli:'));
    expect(rows.toSorted((a, b) => a.action.localeCompare(b.action))).toMatchObject([
      { action: 'keys.create', outcome: 'ok', detail: { name: 'robot', tenant: 'acme' } },
      { action: 'tasks.cancel', target: id, outcome: 'ok', detail: { reason: 'late', outcome: 'cancelled' } },
      { action: 'tasks.retry', target: UNKNOWN, outcome: 'task-not-found' },
    ]);
    const made = rows.find(({ action }) => action === 'keys.create');
    const { body } = await lab.call('GET', `/v1/keys/${made?.target}`);
    expect(body).toMatchObject({ tenant: 'acme', priority: -5, rate: { limit: 100, periodMs: 60_000 } });
  });
});

describe('the writer', () => {
  const entry = (action: string) => ({
    caller: { actor: 'key:x', tenant: 'w' },
    action,
    target: null,
    outcome: 'ok' as const,
    detail: {},
  });
  const written = async () =>
    (
      await lab.lab.sql<{ action: string }>(
        `SELECT action FROM lovage.audit_log WHERE tenant = 'w' ORDER BY id`,
      )
    ).map(({ action }) => action);
  const silent = createLog({ level: 'silent' });
  /** The lab's pool, of which every statement can be made to fail. */
  const pool = { isAway: false, statements: 0 };
  const query = (...args: unknown[]) => {
    pool.statements += 1;
    if (pool.isAway) return Promise.reject(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' }));
    return (lab.lovage.pool.query as (...given: unknown[]) => unknown)(...args);
  };
  const writer = () => new AuditWriter({ query } as never, silent);

  test('puts sixty-four calls of one moment into one commit', async () => {
    pool.statements = 0;
    const one = writer();
    await Promise.all(Array.from({ length: 64 }, (_, n) => one.write(entry(`group.${n}`))));
    expect(pool.statements).toBe(1);
    expect(await written()).toEqual(Array.from({ length: 64 }, (_, n) => `group.${n}`));
  });

  test('writes what sixty-four enqueues under keys leave while one write is on its way in the next', async () => {
    const { pool: real, audit: writes } = lab.lovage;
    const ask = real.query.bind(real) as (...given: unknown[]) => Promise<unknown>;
    let statements = 0;
    const said = vi.spyOn(writes, 'write');
    const held = vi.spyOn(real, 'query').mockImplementation((async (
      config: { name?: string },
      ...rest: unknown[]
    ) => {
      if (config.name === 'lovage_audit') {
        statements += 1;
        await until(() => said.mock.calls.length === 64);
      }
      return ask(config, ...rest);
    }) as never);
    const ids = await Promise.all(Array.from({ length: 64 }, (_, n) => submit(`group-${n}`)));
    const rows = () => lab.lab.sql('SELECT FROM lovage.v_audit WHERE target = ANY ($1)', [ids]);
    await until(rows, ({ length }) => length === 64);
    said.mockRestore();
    held.mockRestore();
    expect(statements).toBeLessThanOrEqual(2);
  });

  test('keeps what cannot be written, holds nobody up, and writes it when Postgres is back', async () => {
    await lab.lab.sql(`DELETE FROM lovage.audit_log WHERE tenant = 'w'`);
    const one = writer();
    pool.isAway = true;
    await one.write(entry('during.1'));
    await one.write(entry('during.2'));
    expect(await written()).toEqual([]);
    pool.isAway = false;
    await until(written, ({ length }) => length === 2);
    await one.write(entry('after'));
    expect(await written()).toEqual(['during.1', 'during.2', 'after']);
  });

  test('writes once what was written before its answer was lost', async () => {
    await lab.lab.sql(`DELETE FROM lovage.audit_log WHERE tenant = 'w'`);
    let isLost = false;
    const forgetful = async (...args: unknown[]) => {
      const answer = await (lab.lovage.pool.query as (...given: unknown[]) => Promise<unknown>)(...args);
      if (isLost) return answer;
      isLost = true;
      throw Object.assign(new Error('Connection terminated unexpectedly'));
    };
    const complaints = vi.spyOn(silent, 'error');
    const one = new AuditWriter({ query: forgetful } as never, silent);
    await one.write(entry('once'));
    await one.close();
    expect(await written()).toEqual(['once']);
    expect(complaints).not.toHaveBeenCalled();
  });

  test('gives up at its close what still cannot be written, and returns', async () => {
    const one = writer();
    pool.isAway = true;
    await one.write(entry('lost'));
    await one.close();
    pool.isAway = false;
    expect(await written()).not.toContain('lost');
  });
});

test('the call is answered though its audit row cannot be written', async () => {
  await lab.lab.sql('ALTER TABLE lovage.audit_log RENAME TO audit_log_away');
  const { status } = await lab.call('POST', '/v1/tasks/diag.noop', {
    body: {},
    headers: { 'x-request-id': 'later' },
  });
  await lab.lab.sql('ALTER TABLE lovage.audit_log_away RENAME TO audit_log');
  expect(status).toBe(202);
  expect(
    await until(
      () => recordsOf('later'),
      ({ length }) => length > 0,
    ),
  ).toMatchObject([{ outcome: 'ok' }]);
});
