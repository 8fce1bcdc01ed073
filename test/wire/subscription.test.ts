import {
  createTRPCClient,
  createWSClient,
  httpSubscriptionLink,
  wsLink,
  type TRPCClient,
} from '@trpc/client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { AppRouter, WatchNews } from '../../src/api/trpc/types.ts';
import type { TenantNews } from '../../src/tasks/watch-many.ts';
import { openHttpLab, ROOT_KEY, serve, type HttpLab, type Server } from '../api/http-lab.ts';
import { until } from '../lab.ts';
import { follow } from './sse.ts';
import { TestEventSource } from './event-source.ts';

let lab: HttpLab;
beforeAll(async () => {
  lab = await openHttpLab();
  await lab.work();
});
afterAll(() => lab[Symbol.asyncDispose]());
beforeEach(() => void TestEventSource.all.splice(0));

const enqueue = async (name: string, input: unknown, query = '') =>
  (await lab.call('POST', `/v1/tasks/${name}${query}`, { body: input })).body.id;

interface Link extends AsyncDisposable {
  trpc: TRPCClient<AppRouter>;
  /** The connection breaks. */
  cut(): void;
}

function overSse(server: Server = lab, options: { key?: string; query?: string } = {}): Link {
  const { key = ROOT_KEY, query = '' } = options;
  const link = httpSubscriptionLink<AppRouter, typeof TestEventSource>({
    url: `${server.api.url}/trpc${query}`,
    EventSource: TestEventSource,
    eventSourceOptions: query === '' ? { key } : {},
  });
  const cut = () => TestEventSource.all.forEach((source) => source.cut());
  return {
    trpc: createTRPCClient<AppRouter>({ links: [link] }),
    cut,
    async [Symbol.asyncDispose]() {
      TestEventSource.all.forEach((source) => source.close());
    },
  };
}

function overWebSocket(server: Server = lab, options: { key?: string; query?: string } = {}): Link {
  const { key = ROOT_KEY, query = '' } = options;
  const client = createWSClient({
    url: `${server.api.url.replace('http', 'ws')}/trpc${query}`,
    ...(query === '' && { connectionParams: { apiKey: key } }),
    retryDelayMs: () => 20,
  });
  return {
    trpc: createTRPCClient<AppRouter>({ links: [wsLink({ client })] }),
    cut: () => client.connection?.ws.close(),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

interface Watching {
  told: { id: string; data: WatchNews }[];
  error: () => unknown;
  isComplete: () => boolean;
  unsubscribe(): void;
}

function watch({ trpc }: Link, id: string, lastEventId?: string): Watching {
  const told: { id: string; data: WatchNews }[] = [];
  let [error, isComplete]: [unknown, boolean] = [undefined, false];
  const subscription = trpc.tasks.watch.subscribe(
    { id, ...(lastEventId !== undefined && { lastEventId }) },
    {
      onData: (frame) => told.push(frame),
      onError: (thrown) => (error = thrown),
      onComplete: () => (isComplete = true),
    },
  );
  return {
    told,
    unsubscribe: () => subscription.unsubscribe(),
    error: () => error,
    isComplete: () => isComplete,
  };
}
const numbers = ({ told }: Watching) =>
  told.flatMap(({ data }) => (data.kind === 'event' ? (data.event.number ?? []) : []));
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

const LINKS = [
  ['SSE', overSse],
  ['WebSocket', overWebSocket],
] as const;

test.each(LINKS)(
  'over %s a subscription tells every event, then the task, and completes',
  async (_, connect) => {
    await using link = connect();
    const id = await enqueue('diag.progress', { steps: 5, everyMs: 20 });
    const watching = watch(link, id);
    await until(watching.isComplete);
    expect(numbers(watching)).toEqual(upTo(8));
    expect(watching.told.map(({ id: at }) => at)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '8']);
    expect(watching.told.at(-1)?.data).toMatchObject({ kind: 'end', task: { id, result: { steps: 5 } } });
    expect(watching.error()).toBeUndefined();
  },
);

test.each(LINKS)(
  'over %s a lost connection is made again, and no event is lost or doubled',
  async (_, connect) => {
    await using link = connect();
    const id = await enqueue('diag.progress', { steps: 30, everyMs: 20 });
    const watching = watch(link, id);
    for (const seen of [5, 12, 20]) {
      await until(() => watching.told.length >= seen);
      link.cut();
    }
    await until(watching.isComplete);
    expect(numbers(watching)).toEqual(upTo(33));
  },
);

test.each(LINKS)('over %s a subscription starts after the event that it names', async (_, connect) => {
  await using link = connect();
  const id = await enqueue('diag.noop', {});
  await lab.lab.final(id);
  const watching = watch(link, id, '2');
  await until(watching.isComplete);
  expect(numbers(watching)).toEqual([3]);
});

test.each(LINKS)('over %s all tasks that pass a filter can be watched', async (kind, connect) => {
  await using link = connect();
  const told: { id: string; data: TenantNews }[] = [];
  const subscription = link.trpc.tasks.watchMany.subscribe(
    { tag: kind },
    { onData: (frame) => told.push(frame) },
  );
  await until(() => told.length > 0);
  const id = await enqueue('diag.echo', { value: 1 }, `?tags=${kind}`);
  await until(() => told.length >= 4);
  expect(told.map(({ data }) => data)).toMatchObject([
    { kind: 'ping' },
    ...['queued', 'started', 'succeeded'].map((type) => ({ kind: 'event', event: { type, task: { id } } })),
  ]);
  subscription.unsubscribe();
  await until(() => lab.lovage.events.size === 0);
});

test.each(LINKS)(
  'over %s an unknown task, a bad id, a missing scope and a bad key are refused as such',
  async (_, connect) => {
    await using link = connect();
    const id = await enqueue('diag.noop', {});
    const codeOf = (watching: Watching) =>
      until(watching.error).then(
        (error) => (error as { data?: { problem?: { code: string } } }).data?.problem?.code,
      );
    expect(await codeOf(watch(link, 'nonsense'))).toBe('task-not-found');
    expect(await codeOf(watch(link, id, '999'))).toBe('validation');
    await using lesser = connect(lab, { key: await lab.keyFor(['enqueue']) });
    expect(await codeOf(watch(lesser, id))).toBe('forbidden');
  },
);

test.each(LINKS)('over %s whoever unsubscribes leaves nothing', async (_, connect) => {
  await using link = connect();
  const id = await enqueue('diag.sleep', { ms: 60_000 });
  const watching = watch(link, id);
  await until(() => watching.told.length >= 2);
  expect(lab.lovage.events.size).toBe(1);
  watching.unsubscribe();
  await until(() => lab.lovage.events.size === 0);
  await lab.call('POST', `/v1/tasks/${id}/cancel`);
});

test.each(LINKS)(
  'over %s a closing server sends its subscribers elsewhere, and they miss nothing',
  async (_, connect) => {
    const leaving = await serve(lab.lab.url);
    const { port } = leaving.api;
    const id = await enqueue('diag.progress', { steps: 30, everyMs: 30 });
    await using link = connect(leaving);
    const watching = watch(link, id);
    await until(() => watching.told.length >= 5);
    const startedAt = performance.now();
    await leaving[Symbol.asyncDispose]();
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    await using next = await serve(lab.lab.url, undefined, undefined, { port });
    expect(next.api.port).toBe(port);
    await until(watching.isComplete);
    expect(numbers(watching)).toEqual(upTo(33));
  },
);

test.each(LINKS)('over %s a ticket in the URL stands in for a key', async (_, connect) => {
  const { ticket } = (await lab.call('POST', '/v1/stream-tickets')).body as unknown as { ticket: string };
  await using link = connect(lab, { query: `?ticket=${ticket}` });
  const id = await enqueue('diag.noop', {});
  const watching = watch(link, id);
  await until(watching.isComplete);
  expect(numbers(watching)).toEqual([1, 2, 3]);
});

test('a WebSocket without a key, with a wrong one or on another path gets nothing', async () => {
  const refusal = (path: string) =>
    new Promise<number>((resolve) => {
      const socket = new WebSocket(`${lab.api.url.replace('http', 'ws')}${path}`);
      socket.addEventListener('close', ({ code }) => resolve(code));
      socket.addEventListener('error', () => undefined);
    });
  expect(await refusal('/trpc')).toBe(1005);
  expect(await refusal('/trpc?ticket=forged.forged')).toBe(1005);
  expect(await refusal('/elsewhere')).toBe(1006);
});

test('a stream or a WebSocket whose key is revoked is cut off', async () => {
  const key = await lab.keyFor(['read'], 'default');
  await using link = overWebSocket(lab, { key });
  const id = await enqueue('diag.sleep', { ms: 60_000 });
  const watching = watch(link, id);
  await using stream = await follow(`${lab.api.url}/v1/tasks/${id}/stream`, { key });
  await until(() => watching.told.length > 0 && stream.blocks.length > 0);
  await lab.lab.sql('UPDATE lovage.api_key SET revoked_at = now()');
  await stream.ended;
  expect(stream.blocks.at(-1)).toMatchObject({ event: 'error', data: { code: 'unauthorized', status: 401 } });
  await until(() => lab.lovage.events.size === 0);
  await lab.call('POST', `/v1/tasks/${id}/cancel`);
});
