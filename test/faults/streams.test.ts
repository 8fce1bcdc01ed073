import { connect } from 'node:net';
import { expect, test, vi } from 'vitest';
import { openHttpLab, ROOT_KEY } from '../api/http-lab.ts';
import { configFile, openLab, spawnLovage, until, type Lab, type LabProcess } from '../lab.ts';
import { follow, type OpenStream } from '../wire/sse.ts';
import { kill, NODE_COMPILE_CACHE, startWorkerProcess } from '../worker/processes.ts';
import { freePort, openServers } from './cluster.ts';
import { isShort } from './form.ts';

const KEY = 'the-root-key-of-every-node';
const SECRET = 'the-same-secret-on-every-node-and-long';

interface Node extends LabProcess {
  url: string;
}

/** A real `lovage serve`, once it answers. */
async function startNode(databaseUrl: string): Promise<Node> {
  const port = await freePort();
  const started = spawnLovage(['serve'], {
    DATABASE_URL: databaseUrl,
    LOVAGE_CONFIG: configFile,
    LOVAGE_API_KEY: KEY,
    LOVAGE_SECRET: SECRET,
    PORT: String(port),
    NODE_COMPILE_CACHE,
  });
  const url = `http://127.0.0.1:${port}`;
  await until(async () => (await isReady(url)) || started.child.exitCode !== null, Boolean, 40_000);
  if (started.child.exitCode !== null) throw new Error(`the node did not start:\n${started.output()}`);
  return { ...started, url };
}

const isReady = (url: string) =>
  fetch(`${url}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );
const open = (node: Node, path: string, lastEventId?: string) =>
  follow(`${node.url}/v1${path}`, { key: KEY, lastEventId });
const numbers = (streams: readonly OpenStream[]) =>
  streams.flatMap(({ blocks }) => blocks.flatMap(({ data }) => data.number ?? []));
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

const enqueue = async (node: Node, name: string, body: object): Promise<string> => {
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
  const answer = await fetch(`${node.url}/v1/tasks/${name}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  return ((await answer.json()) as { id: string }).id;
};

test('an API process that is killed in the middle of streams costs no event: another node goes on', async () => {
  await using lab: Lab = await openLab();
  await startWorkerProcess(lab, ['--queues', 'diag']);
  const [first, second] = await Promise.all([startNode(lab.url), startNode(lab.url)]);
  try {
    await using all = await open(first, '/stream?name=diag.progress');
    await until(() => all.lastEventId() !== '');
    const id = await enqueue(first, 'diag.progress', { steps: 60, everyMs: 50 });
    await using one = await open(first, `/tasks/${id}/stream`);
    await until(() => one.blocks.length >= 10 && all.blocks.length >= 5);
    await kill(first);
    await Promise.all([one.ended, all.ended]);
    expect(one.blocks.at(-1)?.event).not.toBe('end');

    await using rest = await open(second, `/tasks/${id}/stream`, one.lastEventId());
    await using allRest = await open(second, '/stream?name=diag.progress', all.lastEventId());
    await rest.ended;
    await until(() => allRest.blocks.some(({ event }) => event === 'succeeded'));
    expect(numbers([one, rest])).toEqual(upTo(63));
    expect(rest.blocks.at(-1)).toMatchObject({ event: 'end', data: { result: { steps: 60 } } });
    expect(new Set(numbers([all, allRest]))).toEqual(new Set(upTo(63)));
  } finally {
    await kill(first);
    await kill(second);
  }
});

test('a server that is asked to end closes its streams at once, and they go on elsewhere', async () => {
  await using lab = await openLab();
  await startWorkerProcess(lab, ['--queues', 'diag']);
  const [first, second] = await Promise.all([startNode(lab.url), startNode(lab.url)]);
  try {
    const id = await enqueue(first, 'diag.progress', { steps: 60, everyMs: 50 });
    await using one = await open(first, `/tasks/${id}/stream`);
    await until(() => one.blocks.length >= 10);
    const startedAt = performance.now();
    first.child.kill('SIGTERM');
    expect(await first.exited).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    await one.ended;
    expect(one.blocks.map(({ event }) => event)).not.toContain('error');
    await using rest = await open(second, `/tasks/${id}/stream`, one.lastEventId());
    await rest.ended;
    expect(numbers([one, rest])).toEqual(upTo(63));
  } finally {
    await kill(first);
    await kill(second);
  }
});

test.each(isShort ? (['immediate'] as const) : (['fast', 'immediate'] as const))(
  'a Postgres that is restarted (%s) in the middle of a stream is said there, and no event is lost',
  async (how) => {
    await using servers = await openServers();
    const { primary } = servers;
    await primary.start();
    const node = await startNode(primary.url);
    const worker = spawnLovage(['worker', '--queues', 'diag'], {
      DATABASE_URL: primary.url,
      LOVAGE_CONFIG: configFile,
    });
    try {
      await until(worker.output, (text) => text.includes('worker started'), 40_000);
      const id = await enqueue(node, 'diag.progress', { steps: 80, everyMs: 100 });
      const streams: OpenStream[] = [await open(node, `/tasks/${id}/stream`)];
      await until(() => (streams[0]?.blocks.length ?? 0) >= 10);
      await primary.stop(how);
      await streams[0]?.ended;
      expect(streams[0]?.blocks.at(-1)).toMatchObject({
        event: 'error',
        data: { code: 'queue-unavailable', retryAfter: expect.any(Number) },
      });
      const refused = await open(node, `/tasks/${id}/stream`);
      expect(refused.status).toBe(503);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      await primary.start();
      await until(() => isReady(node.url));
      while (streams.at(-1)?.blocks.at(-1)?.event !== 'end') {
        const next = await open(node, `/tasks/${id}/stream`, streams.at(-1)?.lastEventId());
        await next.ended;
        if (next.status === 200) streams.push(next);
      }
      const told = numbers(streams);
      expect(told).toEqual(upTo(told.length));
      const [row] = await primary.query<{ events: number }>('SELECT events FROM lovage.task WHERE id = $1', [
        id,
      ]);
      expect(told).toHaveLength(row?.events ?? 0);
    } finally {
      await kill(node);
      await kill(worker);
    }
  },
);

test.skipIf(isShort)(
  'a reader that takes nothing is read for no further than the network holds',
  async () => {
    await using lab = await openHttpLab();
    await lab.work();
    const { id } = (await lab.call('POST', '/v1/tasks/diag.noop', { body: {} })).body;
    await lab.lab.final(id);
    const [pages, perPage] = [60, 100];
    await lab.lab.sql(
      `WITH more AS (UPDATE lovage.task SET events = events + $2::int WHERE id = $1 RETURNING id)
     INSERT INTO lovage.task_event (task_id, number, type, attempt, data)
     SELECT m.id, 3 + n, 'log', 1, jsonb_build_object('message', repeat('x', 10000)) FROM more m, generate_series(1, $2::int) n`,
      [id, pages * perPage],
    );
    const { events } = lab.lovage;
    const read = vi.spyOn(events, 'read');
    const { port, hostname } = new URL(lab.api.url);
    const socket = connect(Number(port), hostname);
    const request = `GET /v1/tasks/${id}/stream HTTP/1.1\r\nHost: lab\r\nAuthorization: Bearer ${ROOT_KEY}\r\n\r\n`;
    let received = '';
    socket.pause();
    socket.write(request);
    const stalledAt = await untilStill(() => read.mock.calls.length);
    expect(stalledAt).toBeGreaterThan(1);
    expect(stalledAt).toBeLessThan(pages / 2);

    socket.setEncoding('utf8').on('data', (text: string) => {
      received += text;
    });
    socket.resume();
    await until(() => received.includes('event: end'));
    const ids = [...received.matchAll(/^id: (\d+)$/gm)].map(([, number]) => Number(number));
    expect(ids).toEqual(Array.from({ length: 3 + pages * perPage }, (_, index) => index + 1));
    socket.destroy();

    // One that takes nothing at all is cut off.
    const silent = connect(Number(port), hostname);
    silent.pause();
    silent.write(request);
    await until(
      () => events.size,
      (size) => size === 1,
    );
    await until(
      () => events.size,
      (size) => size === 0,
      45_000,
    );
    silent.destroy();
    read.mockRestore();
  },
);

/** Its value once that has not changed for a while. */
async function untilStill(look: () => number): Promise<number> {
  let [value, since] = [look(), performance.now()];
  await until(() => {
    if (look() !== value || value === 0) [value, since] = [look(), performance.now()];
    return performance.now() - since > 500;
  });
  return value;
}
