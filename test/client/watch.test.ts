import { build } from 'esbuild';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, expectTypeOf, test } from 'vitest';
import { type Client, createClient, type TaskUpdate } from '../../src/client/index.ts';
import { type HttpLab, openHttpLab, ROOT_KEY, serve } from '../api/http-lab.ts';
import type { config } from '../api/fixture.ts';
import { until } from '../lab.ts';

let lab: HttpLab;
let client: Client<typeof config>;
beforeAll(async () => {
  lab = await openHttpLab();
  await lab.work();
  client = createClient<typeof config>({ url: lab.api.url, apiKey: ROOT_KEY });
});
afterAll(() => lab[Symbol.asyncDispose]());

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

async function all(updates: AsyncIterable<TaskUpdate>): Promise<TaskUpdate[]> {
  const seen: TaskUpdate[] = [];
  for await (const update of updates) seen.push(update);
  return seen;
}

const progressOf = (updates: readonly TaskUpdate[]) =>
  updates.flatMap((update) => (update.type === 'progress' ? [update.progress.current] : []));

test('watching a task shows its history, its progress as it comes, and in the end its typed result', async () => {
  const task = await client.enqueue('diag.progress', { steps: 5, everyMs: 20 });
  const seen: TaskUpdate[] = [];
  for await (const update of client.watch(task)) {
    seen.push(update);
    if (update.type !== 'end') continue;
    expectTypeOf(update.task.result).toEqualTypeOf(task.result);
    expect(update.task).toMatchObject({ id: task.id, state: 'succeeded' });
  }
  expect(progressOf(seen)).toEqual(upTo(5));
  expect(seen.flatMap((update) => (update.type === 'event' ? [update.event.type] : []))).toEqual([
    'queued',
    'started',
    'succeeded',
  ]);
  expect(seen.at(-1)).toMatchObject({ type: 'end' });
});

test('a final task is replayed from where the watcher says, and ends', async () => {
  const { id } = await client.enqueue('diag.progress', { steps: 3, everyMs: 1 });
  await client.wait(id);
  expect(await all(client.watch(id, { after: 5 }))).toMatchObject([
    { type: 'event', event: { number: 6, type: 'succeeded' } },
    { type: 'end', task: { id } },
  ]);
});

test('a watcher whose server goes away sees every event once, in order', async () => {
  const server = await serve(lab.lab.url);
  const { port } = server.api;
  const away = createClient<typeof config>({ url: server.api.url, apiKey: ROOT_KEY });
  const { id } = await client.enqueue('diag.progress', { steps: 40, everyMs: 25 });
  const seen: TaskUpdate[] = [];
  const watching = (async () => {
    for await (const update of away.watch(id)) seen.push(update);
  })();
  await until(() => progressOf(seen).length >= 5);
  await server[Symbol.asyncDispose]();
  await using again = await serve(lab.lab.url, undefined, undefined, { port });
  expect(again.api.port).toBe(port);
  await watching;
  expect(progressOf(seen)).toEqual(upTo(40));
  expect(seen.at(-1)).toMatchObject({ type: 'end', task: { state: 'succeeded' } });
});

test('leaving the loop stops watching, and so does a signal; the task goes on', async () => {
  const { id } = await client.enqueue('diag.sleep', { ms: 60_000 });
  for await (const update of client.watch(id)) {
    if (update.type === 'event' && update.event.type === 'started') break;
  }
  const aborted = all(client.watch(id, { signal: AbortSignal.timeout(50) }));
  await expect(aborted).rejects.toMatchObject({ name: 'TimeoutError' });
  await until(() => lab.lovage.events.size === 0);
  expect(await client.get(id)).toMatchObject({ state: 'running' });
  await client.cancel(id);
});

test('what cannot be watched is refused at once, in the client’s own words', async () => {
  await expect(all(client.watch('no-task'))).rejects.toMatchObject({ code: 'task-not-found', status: 404 });
  const stranger = createClient<typeof config>({ url: lab.api.url, apiKey: 'not-a-key' });
  await expect(all(stranger.watch('no-task'))).rejects.toMatchObject({ code: 'unauthorized', status: 401 });
});

test('a batch is started, waited for and read', async () => {
  const { id, taskIds } = await client.batch([
    { name: 'diag.echo', input: { value: 1 } },
    { name: 'diag.echo', input: { value: 2 } },
  ]);
  expect(await client.waitForBatch(id)).toMatchObject({ state: 'finished', counts: { succeeded: 2 } });
  const { items } = await client.batchTasks(id);
  expect(items.map((task) => [task.id, task.result])).toEqual([
    [taskIds[0], { value: 1 }],
    [taskIds[1], { value: 2 }],
  ]);
});

test('bundled for a browser it is under 15 kB, with its tRPC parts and nothing of Node', async () => {
  const { outputFiles } = await build({
    stdin: { contents: "export * from './src/client/index.ts'", resolveDir: process.cwd() },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
  });
  expect(gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).byteLength).toBeLessThan(15_000);
});
