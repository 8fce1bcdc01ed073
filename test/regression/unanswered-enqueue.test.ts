import net from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toLovageError } from '../../src/api/errors.ts';
import { openLab, type Lab } from '../lab.ts';

/**
 * Whoever was told that the same request can be sent again had his task twice, where Postgres had taken it and only the
 * answer was lost.
 */
let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const STATEMENT = `SELECT id FROM lovage.add_tasks('[{"name": "diag.noop", "queue": "diag", "input": {}}]')`;
const ADD = 'lovage.add_tasks';
const count = async () => (await lab.sql<{ n: number }>('SELECT count(*)::int AS n FROM lovage.task'))[0]?.n;

type Loss = 'swallow' | 'end' | 'reset';

/** A path to the server on which the answer to an enqueue gets lost in one way or another. */
async function openPath(loss: Loss): Promise<AsyncDisposable & { url: string }> {
  const target = new URL(lab.url);
  const [port, host] = [Number(target.port), target.hostname];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((near) => {
    const far = net.connect(port, host);
    let isDoomed = false;
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    near.on('close', () => far.destroy());
    near.on('data', (chunk) => {
      isDoomed ||= chunk.includes(ADD);
      far.write(chunk);
    });
    far.on('data', (chunk) => {
      if (!isDoomed) near.write(chunk);
      else if (loss === 'end') near.end();
      else if (loss === 'reset') near.resetAndDestroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  target.port = String((server.address() as net.AddressInfo).port);
  return {
    url: target.href,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A port at which nobody listens. */
async function closedPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What an enqueue over a connection of its own throws. */
async function failureOf(config: pg.ClientConfig): Promise<Error> {
  const client = new pg.Client(config);
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(STATEMENT);
  } catch (error) {
    return error as Error;
  } finally {
    client.end().catch(() => undefined);
  }
  throw new Error('the enqueue was meant to fail');
}

const MAY_BE_ACCEPTED = /may have been (?:accepted|carried out)/i;

describe('an enqueue that never left', () => {
  test.each<[string, () => Promise<pg.ClientConfig>, RegExp]>([
    [
      'for a port at which nobody listens',
      async () => ({ connectionString: `postgres://ada@127.0.0.1:${await closedPort()}/x` }),
      /ECONNREFUSED/,
    ],
    [
      'for a name with several addresses at which nobody listens',
      async () => ({ connectionString: `postgres://ada@localhost:${await closedPort()}/x` }),
      /ECONNREFUSED|^$/,
    ],
    [
      'for a host that nobody knows',
      async () => ({ connectionString: 'postgres://ada@nowhere.invalid/x' }),
      /ENOTFOUND|EAI_AGAIN/,
    ],
  ])('%s can be sent again', async (_why, config, says) => {
    const failure = await failureOf(await config());
    expect(failure.message).toMatch(says);
    const error = toLovageError(failure);
    expect(error).toMatchObject({ code: 'queue-unavailable', retryAfter: 2 });
    expect(error.message).toMatch(/can be sent again/);
    expect(error.message).not.toMatch(MAY_BE_ACCEPTED);
  });

  test('for a server that does not greet in time can be sent again', async () => {
    const silent = net.createServer().listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => silent.once('listening', resolve));
      const { port } = silent.address() as net.AddressInfo;
      const failure = await failureOf({
        connectionString: `postgres://ada@127.0.0.1:${port}/x`,
        connectionTimeoutMillis: 200,
      });
      expect(toLovageError(failure)).toMatchObject({ code: 'queue-unavailable' });
      expect(toLovageError(failure).message).not.toMatch(MAY_BE_ACCEPTED);
    } finally {
      silent.close();
    }
  });

  test('for a pool that has no connection left can be sent again', async () => {
    const pool = new pg.Pool({ connectionString: lab.url, max: 1, connectionTimeoutMillis: 200 });
    const taken = await pool.connect();
    const failure = (await pool.query(STATEMENT).catch((error: unknown) => error)) as Error;
    taken.release();
    await pool.end();

    expect(failure.message).toMatch(/timeout exceeded when trying to connect/);
    expect(toLovageError(failure)).toMatchObject({ code: 'queue-unavailable' });
    expect(toLovageError(failure).message).not.toMatch(MAY_BE_ACCEPTED);
  });
});

describe('an enqueue that was taken while its answer', () => {
  test.each<[string, Loss, RegExp]>([
    ['never came', 'swallow', /^Query read timeout$/],
    ['was cut off', 'end', /^Connection terminated/],
    ['was cut off hard', 'reset', /ECONNRESET|^Connection terminated/],
  ])('%s may have been accepted, and its caller is told so', async (_how, loss, says) => {
    await using path = await openPath(loss);
    const before = await count();
    const failure = await failureOf({ connectionString: path.url, query_timeout: 200 });

    expect(failure.message).toMatch(says);
    expect(await count()).toBe((before ?? 0) + 1);
    const error = toLovageError(failure);
    expect(error).toMatchObject({ code: 'queue-unavailable', retryAfter: 2 });
    expect(error.message).toMatch(MAY_BE_ACCEPTED);
  });

  test('came too late is told apart through whatever wraps it', async () => {
    await using path = await openPath('swallow');
    const failure = await failureOf({ connectionString: path.url, query_timeout: 200 });
    expect(toLovageError(new Error('Failed query', { cause: failure })).message).toMatch(MAY_BE_ACCEPTED);
  });
});

test('the two are told in different words', async () => {
  await using path = await openPath('swallow');
  const unsent = await failureOf({ connectionString: `postgres://ada@127.0.0.1:${await closedPort()}/x` });
  const unanswered = await failureOf({ connectionString: path.url, query_timeout: 200 });
  expect(toLovageError(unsent).message).not.toBe(toLovageError(unanswered).message);
});
