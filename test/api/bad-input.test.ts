import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpLab, openHttpLab, pointers } from './http-lab.ts';

/** Whatever is wrong with a request, the answer says what and where, and nothing is written. */

let lab: HttpLab;
beforeAll(async () => {
  lab = await openHttpLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const submit = (name: string, body: unknown, query = '') =>
  lab.call('POST', `/v1/tasks/${name}${query}`, { body });
const countTasks = async () =>
  (await lab.lab.sql<{ n: number }>('SELECT count(*)::int AS n FROM lovage.task'))[0]?.n;

test.each([
  ['an unknown name', 'nope', '{}', 404, 'unknown-task-name'],
  ['no JSON', 'diag.echo', '{"value":', 400, 'malformed-json'],
  ['no body', 'diag.echo', '', 400, 'malformed-json'],
  ['100,000 levels', 'diag.echo', '['.repeat(45_000) + ']'.repeat(45_000), 422, 'validation'],
  [
    'a body over the limit',
    'diag.echo',
    JSON.stringify({ value: 'x'.repeat(100_001) }),
    413,
    'payload-too-large',
  ],
])('%s', async (_what, name, body, status, code) => {
  const before = await countTasks();
  const answer = await submit(name, body);
  expect(answer).toMatchObject({ status, body: { type: `/problems/${code}`, status } });
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.body.instance).toBe(answer.headers.get('x-request-id'));
  expect(await countTasks()).toBe(before);
});

test.each([
  ['a wrong type', 'diag.sleep', '{"ms":"1","obeySignal":3}', ['/ms', '/obeySignal']],
  ['NUL', 'diag.echo', '{"value":{"a":["\\u0000"]}}', ['/value/a/0']],
  ['a lone surrogate', 'diag.echo', '{"value":"\\ud83d"}', ['/value']],
  ['NUL in a name', 'diag.echo', '{"value":{"\\u0000":1}}', ['/value/\0']],
])('%s is pointed at', async (_what, name, body, faults) => {
  const before = await countTasks();
  const answer = await submit(name, body);
  expect(answer).toMatchObject({ status: 422, body: { type: '/problems/validation' } });
  expect(pointers(answer)).toEqual(faults);
  expect(await countTasks()).toBe(before);
});

test('a body over the limit is refused also when it does not say its size', async () => {
  const chunks = new Blob(['x'.repeat(200_000)]).stream();
  const init = {
    method: 'POST',
    body: chunks,
    duplex: 'half',
    headers: { 'x-api-key': 'root-key-of-the-http-lab' },
  };
  for (const [path, type] of [
    ['/v1/tasks/diag.echo', 'application/problem+json'],
    ['/trpc/tasks.enqueue', 'application/json'],
  ] as const) {
    const [body, rest] = init.body.tee();
    init.body = rest;
    const headers = { ...init.headers, 'content-type': 'application/json' };
    const response = await fetch(lab.api.url + path, { ...init, headers, body });
    expect([response.status, response.headers.get('content-type')]).toEqual([413, type]);
    await response.body?.cancel();
  }
});

test.each([
  [
    'priority=1001&wait=301&async=maybe&delayMs=-1&runAt=soon&include=all',
    ['async', 'wait', 'priority', 'delayMs', 'runAt', 'include'],
  ],
  ['delayMs=1&runAt=2030-01-01T00:00:00Z', ['runAt']],
  ['wait=1.5', ['wait']],
])('a query out of range is pointed at by its names: %s', async (query, names) => {
  const answer = await submit('diag.noop', {}, `?${query}`);
  expect(answer.status).toBe(422);
  expect(pointers(answer)).toEqual(names);
});

test.each([
  ['limit=0&state=done', ['state', 'limit']],
  ['limit=201', ['limit']],
  ['createdAfter=yesterday', ['createdAfter']],
  ['createdBefore=0000-01-01T00:00:00Z', ['createdBefore']],
  ['cursor=made-up', ['cursor']],
  ['tag=a%00b', ['tag']],
])('a list with %s is refused', async (query, names) => {
  const answer = await lab.call('GET', `/v1/tasks?${query}`);
  expect(answer.status).toBe(422);
  expect(pointers(answer)).toEqual(names);
});

test.each(['nonsense', '0197b6f0-0000-7000-8000-000000000000', '%00'])(
  'no task has the id %s',
  async (id) => {
    for (const path of ['', '/result', '/events', '/attempts']) {
      const answer = await lab.call('GET', `/v1/tasks/${id}${path}`);
      expect(answer).toMatchObject({ status: 404, body: { type: '/problems/task-not-found' } });
    }
    expect((await lab.call('POST', `/v1/tasks/${id}/cancel`)).status).toBe(404);
  },
);

test('a cancel with a body that does not fit is refused', async () => {
  const { body } = await submit('diag.noop', {});
  const path = `/v1/tasks/${body.id}/cancel`;
  expect(pointers(await lab.call('POST', path, { body: { reason: 1, force: true } }))).toEqual([
    '/reason',
    '/force',
  ]);
  expect(pointers(await lab.call('POST', path, { body: '{"reason":"\\u0000"}' }))).toEqual(['/reason']);
  expect((await lab.lab.get(body.id)).state).toBe('queued');
});

test.each([
  ['bytes that are not HTTP', 'hello\r\n\r\n', 400],
  [
    'headers over the limit',
    `GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`,
    431,
  ],
  ['a host that is none', 'GET /healthz HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 400],
])('%s: a problem too', async (_what, bytes, status) => {
  const socket = connect(lab.api.port, '127.0.0.1');
  socket.end(bytes);
  const answer = await text(socket);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer.toLowerCase()).toContain('content-type: application/problem+json');
});
