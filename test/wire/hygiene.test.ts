import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSettings } from '../../src/settings/settings.ts';
import { type HttpLab, openHttpLab, pointers, ROOT_KEY, serve, type Server } from '../api/http-lab.ts';
import { until } from '../lab.ts';
import { flood, sendRaw } from './raw.ts';

const PAGE = 'https://app.example.com';
const KEY = `X-API-Key: ${ROOT_KEY}\r\n`;
const POST = `POST /v1/tasks/diag.echo HTTP/1.1\r\nHost: x\r\n${KEY}`;

let lab: HttpLab;
let impatient: Server;
beforeAll(async () => {
  lab = await openHttpLab();
  impatient = await serve(lab.lab.url, undefined, undefined, {
    corsOrigins: [PAGE],
    limits: { headersMs: 200, requestMs: 400, keepAliveMs: 200, silentMs: 600 },
  });
});
afterAll(async () => {
  await impatient[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

/** Without the decompression that fetch does by itself. */
async function bare(path: string, headers: Record<string, string>, method = 'GET') {
  const asked = request(lab.api.url + path, { method, headers: { 'x-api-key': ROOT_KEY, ...headers } });
  const answer = await new Promise<IncomingMessage>((resolve) => asked.on('response', resolve).end());
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return { status: answer.statusCode ?? 0, headers: answer.headers, bytes: Buffer.concat(chunks) };
}

describe('pages of other origins', () => {
  const preflight = (server: Server, origin: string, path = '/v1/tasks') =>
    server.call('OPTIONS', path, {
      key: null,
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,idempotency-key',
      },
    });

  test('get nothing unless configured', async () => {
    const { headers } = await lab.call('GET', '/healthz', { headers: { origin: PAGE } });
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect((await preflight(lab, PAGE)).headers.get('access-control-allow-origin')).toBeNull();
  });

  test('that are named may call, with a key and without cookies, and read what matters', async () => {
    const allowed = await preflight(impatient, PAGE, '/v1/tasks/diag.echo');
    expect(allowed.status).toBe(204);
    expect(Object.fromEntries(allowed.headers)).toMatchObject({
      'access-control-allow-origin': PAGE,
      'access-control-allow-methods': 'GET,HEAD,POST,DELETE',
      'access-control-allow-headers': 'authorization,content-type,idempotency-key',
      'access-control-max-age': '600',
      vary: expect.stringContaining('Origin') as string,
    });
    expect(allowed.headers.has('access-control-allow-credentials')).toBe(false);
    for (const path of ['/v1/tasks', '/v1/nothing', '/trpc/tasks.list', '/old/tasks/1']) {
      for (const key of [ROOT_KEY, null]) {
        const { headers } = await impatient.call('GET', path, { key, headers: { origin: PAGE } });
        expect(headers.get('access-control-allow-origin')).toBe(PAGE);
        expect(headers.get('access-control-expose-headers')).toContain('Retry-After');
      }
    }
  });

  test('that are not named are told nothing; OPTIONS that asks for no preflight answers as ever', async () => {
    const refused = await preflight(impatient, 'https://evil.example.com');
    expect(refused.headers.get('access-control-allow-origin')).toBeNull();
    const plain = await impatient.call('OPTIONS', '/v1/tasks', { headers: { origin: PAGE } });
    expect([plain.status, plain.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS']);
  });

  test.each(['app.example.com', 'https://app.example.com/', 'https://a.example.com;https://b.example.com'])(
    'are configured by origins, and nothing else: %s',
    (value) => {
      expect(() => readSettings({ LOVAGE_CORS_ORIGINS: value })).toThrow(/^LOVAGE_CORS_ORIGINS: must be/);
      const both = readSettings({ LOVAGE_CORS_ORIGINS: `${PAGE}, http://localhost:5173` });
      expect(both.corsOrigins).toEqual([PAGE, 'http://localhost:5173']);
    },
  );
});

describe('a client that is slow', () => {
  test.each([
    ['with its headers', 'GET /healthz HTTP/1.1\r\nHost: x\r\n'],
    ['with its body', `${POST}Content-Length: 100\r\n\r\n{`],
  ])('%s is answered 408 and cut off', async (_what, bytes) => {
    const { text, ms } = await sendRaw(impatient.api.port, bytes);
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(text.toLowerCase()).toContain('application/problem+json');
    expect(text.toLowerCase()).toContain('x-request-id: ');
    expect(ms).toBeLessThan(5_000);
  });

  test('that asks for nothing more is let go, and one that is silent in between is too', async () => {
    const idle = await sendRaw(impatient.api.port, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(idle.text).toMatch(/^HTTP\/1\.1 200 /);
    expect(idle.ms).toBeLessThan(5_000);
    const poll = `GET /v1/tasks/${(await lab.call('POST', '/v1/tasks/diag.noop', { body: {} })).body.id}?wait=60`;
    const silent = await sendRaw(impatient.api.port, `${poll} HTTP/1.1\r\nHost: x\r\n${KEY}\r\n`);
    expect(silent.ms).toBeLessThan(5_000);
  });
});

describe('a body over the limit', () => {
  const isTooLarge = /^HTTP\/1\.1 413 [^]*\/problems\/payload-too-large/;

  test('is refused by its announced size, before it comes', async () => {
    const { text, ms } = await sendRaw(lab.api.port, `${POST}Content-Length: 1000000000\r\n\r\n{"value":`);
    expect(text).toMatch(isTooLarge);
    expect(ms).toBeLessThan(3_000);
    const asked = await sendRaw(
      lab.api.port,
      `${POST}Content-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n`,
    );
    expect(asked.text).toMatch(isTooLarge);
    expect(asked.text).not.toContain('100 Continue');
  });

  test('that never ends is cut off', async () => {
    const chunk = `1000\r\n${'x'.repeat(4_096)}\r\n`;
    const { text, ms } = await flood(lab.api.port, `${POST}Transfer-Encoding: chunked\r\n\r\n`, chunk);
    expect(text).toMatch(isTooLarge);
    expect(ms).toBeLessThan(5_000);
  });

  test('and one under it is asked for where the client waits to be asked', async () => {
    const head = `${POST}Content-Length: 11\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n`;
    const { text } = await sendRaw(lab.api.port, head, '{"value":1}');
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 202 /);
  });

  test('that is compressed is refused, since a few bytes can be gigabytes', async () => {
    const headers = { 'content-encoding': 'gzip' };
    const answer = await lab.call('POST', '/v1/tasks/diag.echo', { body: { value: 1 }, headers });
    expect(answer).toMatchObject({ status: 400, body: { type: '/problems/malformed-json' } });
  });
});

describe('every answer has an id and its guards', () => {
  test.each([
    ['GET', '/healthz', 200],
    ['GET', '/docs', 200],
    ['GET', '/nowhere', 404],
    ['PUT', '/v1/tasks', 405],
    ['OPTIONS', '/v1/tasks', 204],
    ['GET', '/v1/tasks?limit=0', 422],
    ['POST', '/trpc/tasks.nothing', 404],
    ['GET', '/old/tasks/1', 404],
  ])('%s %s', async (method, path, status) => {
    const type = { 'content-type': 'application/json', 'x-request-id': 'mine-1' };
    const { status: got, headers } = await lab.call(method, path, { headers: type });
    expect([got, headers.get('x-request-id')]).toEqual([status, 'mine-1']);
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringMatching(/^default-src 'none'/) as string,
      'cache-control': expect.stringMatching(/no-store|no-cache/) as string,
    });
  });

  test.each([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['no host', `GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n`, 400],
    ['two lengths', `${POST}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, 400],
    ['a length and chunks', `${POST}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`, 400],
    [
      'a strange expectation',
      `${POST}Content-Length: 2\r\nExpect: money\r\nConnection: close\r\n\r\n{}`,
      417,
    ],
    ['headers over the limit', `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ])('also to a request that has %s', async (_what, bytes, status) => {
    const { text } = await sendRaw(lab.api.port, bytes);
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    const id = /^x-request-id: (\S+)/im.exec(text)?.[1];
    expect(text).toContain(`"instance":"${id}"`);
  });
});

test.each(['Authorization: Bearer', 'X-API-Key:', 'Idempotency-Key:', 'Content-Type:'])(
  'a header that counts once is refused when it comes twice: %s',
  async (header) => {
    const twice = `${header} one\r\n${header} two\r\n`;
    const { text } = await sendRaw(
      lab.api.port,
      `${POST}${twice}Content-Length: 11\r\nConnection: close\r\n\r\n{"value":1}`,
    );
    expect(text).toMatch(/^HTTP\/1\.1 422 [^]*\/problems\/validation/);
    expect(text).toContain(`"pointer":"${header.split(':')[0]?.toLowerCase()}"`);
  },
);

test('a parameter that a route does not have is refused, and nothing is written', async () => {
  const answer = await lab.call('POST', '/v1/tasks/diag.noop?asnyc=false&tags=slip', { body: {} });
  expect(answer).toMatchObject({ status: 422, body: { type: '/problems/validation' } });
  expect(pointers(answer)).toEqual(['asnyc']);
  expect((await lab.call('GET', '/v1/tasks?tag=slip')).body.items).toEqual([]);
  expect(pointers(await lab.call('GET', '/v1/queues?name=diag&x=1'))).toEqual(['name', 'x']);
  expect((await lab.call('HEAD', '/v1/tasks?limit=1')).status).toBe(200);
});

describe('a large answer', () => {
  let path: string;
  beforeAll(async () => {
    const body = { value: 'lovage '.repeat(5_000) };
    path = `/v1/tasks/${(await lab.call('POST', '/v1/tasks/diag.echo', { body })).body.id}`;
  });

  test.each([
    ['br', 'gzip, deflate, br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
    ['gzip', 'br;q=0.5, gzip;q=0.9', gunzipSync],
    ['br', '*', brotliDecompressSync],
  ])('is compressed by %s for who accepts %s', async (encoding, accepted, decompress) => {
    const plain = await bare(path, {});
    const { headers, bytes } = await bare(path, { 'accept-encoding': accepted });
    expect(headers).toMatchObject({
      'content-encoding': encoding,
      vary: 'Accept-Encoding',
      etag: plain.headers.etag,
    });
    expect(Number(headers['content-length'])).toBe(bytes.length);
    expect(bytes.length).toBeLessThan(2_000);
    expect(decompress(bytes).equals(plain.bytes)).toBe(true);
    const again = { 'accept-encoding': accepted, 'if-none-match': headers.etag ?? '' };
    expect((await bare(path, again)).status).toBe(304);
  });

  test('is not compressed for who does not accept it, and a small one never is', async () => {
    for (const accepted of ['identity', 'br;q=0, gzip;q=0', 'zstd']) {
      const { headers, bytes } = await bare(path, { 'accept-encoding': accepted });
      expect(headers).not.toHaveProperty('content-encoding');
      expect(headers).toMatchObject({ vary: 'Accept-Encoding' });
      expect(bytes.length).toBeGreaterThan(30_000);
    }
    const small = await bare('/healthz', { 'accept-encoding': 'br' });
    expect(small.headers).not.toHaveProperty('content-encoding');
    expect(JSON.parse(small.bytes.toString())).toEqual({ status: 'ok', version: 'test' });
    expect((await bare(path, { 'accept-encoding': 'br' }, 'HEAD')).bytes.length).toBe(0);
  });
});

test('a tRPC batch over its limit is refused', async () => {
  const names = Array.from({ length: 51 }, () => 'queues.list').join(',');
  expect((await lab.call('GET', `/trpc/${names}?batch=1&input=%7B%7D`)).status).toBe(422);
});

const upgrade = (target: string, to: string, key = KEY) =>
  `GET ${target} HTTP/1.1\r\nHost: x\r\n${key}Connection: Upgrade\r\nUpgrade: ${to}\r\n\r\n`;

test.each(['//', 'http://', '//[/trpc', '/elsewhere'])(
  'a WebSocket to %s is refused, and the server goes on',
  async (target) => {
    expect((await sendRaw(lab.api.port, upgrade(target, 'websocket'))).text).toMatch(/^HTTP\/1.1 404 /);
    const broken = connect(lab.api.port, '127.0.0.1').on('error', () => undefined);
    broken.write(upgrade(target, 'websocket') + 'x'.repeat(100_000));
    await once(broken, 'data');
    broken.resetAndDestroy();
    expect((await lab.call('GET', '/healthz')).status).toBe(200);
  },
);

test('a client that would rather speak HTTP/2 is answered in HTTP/1.1', async () => {
  const { text: answer } = await sendRaw(impatient.api.port, upgrade('/v1/tasks', 'h2c'));
  expect(answer).toMatch(/^HTTP\/1.1 200 OK/);
});

test('a closing server finishes what it has begun, and lets idle connections go', async () => {
  await using closing = await serve(lab.lab.url);
  const agent = new Agent({ keepAlive: true });
  const ask = (path: string) =>
    new Promise<{ status: number; connection: string | undefined; body: string }>((resolve, reject) => {
      const asked = request(
        closing.api.url + path,
        { agent, headers: { 'x-api-key': ROOT_KEY } },
        (answer) => {
          text(answer).then(
            (body) =>
              resolve({ status: answer.statusCode ?? 0, connection: answer.headers.connection, body }),
            reject,
          );
        },
      );
      asked.on('error', reject).end();
    });
  await Promise.all([ask('/healthz'), ask('/healthz')]);
  expect(Object.values(agent.freeSockets).flat()).toHaveLength(2);
  const { body } = await lab.call('POST', '/v1/tasks/diag.noop', { body: {} });
  const waiting = ask(`/v1/tasks/${body.id}?wait=60`);
  await until(
    () => closing.lovage.finals.size,
    (size) => size > 0,
  );
  await closing.api.close(10_000);
  expect(await waiting).toMatchObject({ status: 200, connection: 'close' });
  expect(Object.values(agent.freeSockets).flat()).toEqual([]);
});
