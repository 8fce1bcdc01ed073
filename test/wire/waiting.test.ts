import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openHttpLab, ROOT_KEY, type HttpLab } from '../api/http-lab.ts';
import { until } from '../lab.ts';

let lab: HttpLab;
beforeAll(async () => {
  lab = await openHttpLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const submit = async () => (await lab.call('POST', '/v1/tasks/diag.noop', { body: {} })).body;
const cancel = (id: string) => lab.call('POST', `/v1/tasks/${id}/cancel`);
const watched = (count: number) =>
  until(
    () => lab.lovage.finals.size,
    (size) => size === count,
  );

describe('a preference to wait', () => {
  test.each([
    ['wait=20', 'wait=20'],
    ['respond-async, wait=5', 'wait=5'],
    ['wait=900', 'wait=300'],
  ])('%s is followed and echoed as %s, also on a get', async (prefer, applied) => {
    const { id } = await submit();
    const waiting = lab.call('GET', `/v1/tasks/${id}`, { headers: { prefer } });
    await watched(1);
    await cancel(id);
    const answer = await waiting;
    expect(answer).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    expect(answer.headers.get('preference-applied')).toBe(applied);
  });

  test('is echoed where the time was over first, and where nothing had changed', async () => {
    const { id } = await submit();
    const headers = { prefer: 'wait=1' };
    const got = await lab.call('GET', `/v1/tasks/${id}`, { headers });
    expect(got).toMatchObject({ status: 200, body: { state: 'queued' } });
    expect(got.headers.get('preference-applied')).toBe('wait=1');

    await cancel(id);
    const etag = (await lab.call('GET', `/v1/tasks/${id}`)).headers.get('etag') ?? '';
    const unchanged = await lab.call('GET', `/v1/tasks/${id}`, {
      headers: { ...headers, 'if-none-match': etag },
    });
    expect(unchanged.status).toBe(304);
    expect(unchanged.headers.get('preference-applied')).toBe('wait=1');
  });

  test('gives way to the query, and is then not echoed', async () => {
    const { id } = await submit();
    const answer = await lab.call('GET', `/v1/tasks/${id}?wait=0`, { headers: { prefer: 'wait=20' } });
    expect(answer).toMatchObject({ status: 200, body: { state: 'queued' } });
    expect(answer.headers.get('preference-applied')).toBeNull();
  });
});

/** Asks, and keeps the connection as it is. */
function ask(request: string): Promise<Socket> {
  const { hostname, port } = new URL(lab.api.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`${request} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${ROOT_KEY}\r\nContent-Length: 2\r\n\r\n{}`);
      resolve(socket);
    });
    socket.on('error', reject);
  });
}

/** But for those to Postgres. */
const openSockets = (): number =>
  process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length -
  lab.lovage.pool.totalCount -
  lab.lab.lovage.pool.totalCount;

test('two hundred callers that hang up while they wait cancel nothing and leave nothing behind', async () => {
  await lab.call('GET', '/healthz', { key: null });
  const before = openSockets();
  const callers = await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      ask(
        n % 2
          ? 'POST /v1/tasks/diag.noop?async=false&tags=left'
          : 'POST /v1/tasks/diag.noop?wait=200&tags=left',
      ),
    ),
  );
  await watched(200);
  const listeners = await lab.lab.sql(
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'lovage listener'",
  );
  // The server's and the lab's own.
  expect(listeners).toHaveLength(2);
  for (const [n, socket] of callers.entries()) {
    if (n % 3) socket.destroy();
    else socket.resetAndDestroy();
  }
  await watched(0);
  await until(openSockets, (count) => count <= before);
  const states = await lab.lab.sql(
    "SELECT state, count(*)::int AS n FROM lovage.task WHERE tags = '{left}' GROUP BY state",
  );
  expect(states).toEqual([{ state: 'queued', n: 200 }]);
  expect(lab.lovage.pool.waitingCount).toBe(0);
});

test('a waiter whose connections to Postgres are cut is answered all the same', async () => {
  const { id } = await submit();
  const waiting = lab.call('GET', `/v1/tasks/${id}?wait=20`);
  await watched(1);
  await lab.lab.sql(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  );
  await until(
    () => cancel(id),
    ({ status }) => status === 200,
  );
  expect(await waiting).toMatchObject({ status: 200, body: { state: 'cancelled' } });
});
