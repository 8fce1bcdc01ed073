import { execFileSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from 'lovage/client';
import { atMost, below, type Bench, type Claim, type Section } from '../bench.ts';
import type config from '../lovage.config.ts';
import { startApi, startWorker, type Api } from '../measure/deployment.ts';
import { withClient } from '../measure/postgres-server.ts';
import { figure, median, percentile } from '../measure/statistics.ts';
import { until } from '../measure/until.ts';

const STREAMS = 1_000;
/**
 * Kept small here: V8 lets the young generation grow under load, to more than 100 MiB, however little stays. What is
 * measured is what does.
 */
const YOUNG = '--max-semi-space-size=4';
const AT_ONCE = 50;
const BAR_KB = 50;
const BAR_MS = 100;

export const streams: Section = {
  name: 'streams',
  title: `${STREAMS.toLocaleString('en')} open streams, and from a handler's progress to a client`,
  async run(bench) {
    await using database = await bench.server.clone();
    await using api = await startApi(database.url, { NODE_OPTIONS: YOUNG });
    const claims = await measureStreams(bench, api, database.url);
    await using worker = startWorker(database.url);
    return [...claims, await worker.during(measureProgress(bench, api))];
  },
};

/** What so many open streams cost the process that has them, each of a task of its own. */
async function measureStreams(bench: Bench, api: Api, databaseUrl: string): Promise<Claim[]> {
  const client = createClient<typeof config>({ url: api.url, apiKey: api.rootKey });
  const count = bench.isQuick ? 200 : STREAMS;
  const ids: string[] = [];
  while (ids.length < count) {
    const more = Array.from({ length: AT_ONCE }, () => client.enqueue('clock.inline', {}));
    ids.push(...(await Promise.all(more)).map(({ id }) => id));
  }
  // The same requests before, but no more than a few open at a time: what busy serving takes by itself is not the streams'.
  bench.progress.say(`streams: opening and closing ${count}`);
  for (let at = 0; at < count; at += AT_ONCE) {
    const few = await openStreams(api, ids.slice(at, at + AT_ONCE));
    few.forEach((socket) => socket.destroy());
  }
  const rssBefore = await settledRss(api.pid);
  bench.progress.say(`streams: opening ${count}`);
  const open = await openStreams(api, ids.slice(0, count));
  const rssOpen = await settledRss(api.pid);
  const connections = await withClient(databaseUrl, async (pg) => {
    const { rows } = await pg.query<{ listening: number; all: number }>(
      `SELECT count(*) FILTER (WHERE application_name = 'lovage listener')::int AS listening, count(*)::int AS all
       FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    return rows[0] ?? { listening: 0, all: 0 };
  });
  open.forEach((socket) => socket.destroy());

  const kb = Math.max(0, rssOpen - rssBefore) / count;
  bench.print(`${count} streams of ${count} tasks, all of them told their first event`);
  bench.print(
    `  resident memory   ${figure(rssBefore / 1024)} MiB before, ${figure(rssOpen / 1024)} MiB with them`,
  );
  bench.print(
    `  connections       ${connections.all} to Postgres in all, ${connections.listening} of them LISTEN`,
  );
  const { listening } = connections;
  return [
    {
      what: 'LISTEN connections of an API with open streams',
      value: listening,
      min: listening,
      max: listening,
      unit: '',
      bar: atMost(1, listening, ''),
    },
    {
      what: 'memory of an open stream',
      value: kb,
      min: kb,
      max: kb,
      unit: ' kB',
      bar: below(BAR_KB, kb, ' kB'),
    },
  ];
}

/** Opens them a few at a time; each has been told something when this resolves. */
async function openStreams(api: Api, ids: readonly string[]): Promise<Socket[]> {
  const { hostname, port } = new URL(api.url);
  const open = (id: string) =>
    new Promise<Socket>((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      let text = '';
      socket.setEncoding('utf8').on('error', reject);
      socket.on('data', (chunk: string) => {
        text = (text + chunk).slice(-2_000);
        if (text.includes('event: queued')) resolve(socket);
      });
      socket.write(
        `GET /v1/tasks/${id}/stream HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${api.rootKey}\r\n\r\n`,
      );
    });
  const sockets: Socket[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE)
    sockets.push(...(await Promise.all(ids.slice(at, at + AT_ONCE).map(open))));
  return sockets;
}

/** In kB, once it grows no more. */
async function settledRss(pid: number): Promise<number> {
  await pause(5_000);
  const samples: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    samples.push(Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })));
    await pause(500);
  }
  return median(samples);
}

/** From a handler calling `progress` to the client that watches; all on the machine's one monotonic clock. */
async function measureProgress(bench: Bench, api: Api): Promise<Claim> {
  const client = createClient<typeof config>({ url: api.url, apiKey: api.rootKey });
  const steps = bench.isQuick ? 40 : 300;
  const { id } = await client.enqueue('clock.tick', { steps, meanMs: 150 });
  bench.progress.say(`streams: ${steps} steps of progress`);
  const stop = new AbortController();
  const answer = await fetch(`${api.url}/v1/tasks/${id}/stream`, {
    headers: { authorization: `Bearer ${api.rootKey}` },
    signal: stop.signal,
  });
  const seenMs = new Map<string, number>();
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    const now = process.hrtime.bigint();
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const sentNs = /"message":"(\d+)"/.exec(block)?.[1];
      if (sentNs !== undefined && !seenMs.has(sentNs)) seenMs.set(sentNs, Number(now - BigInt(sentNs)) / 1e6);
    }
    if (text.includes('event: end') || blocks.some((block) => block.includes('event: end'))) break;
  }
  stop.abort();
  await until('progress', async () => seenMs.size > steps / 3, { withinMs: 1_000, everyMs: 100 });
  const took = [...seenMs.values()];
  bench.print();
  bench.print(`${took.length} of ${steps} steps, 150 ms apart on the average, in three processes`);
  bench.print(
    `  progress → client  p50 ${figure(median(took))} ms, p95 ${figure(percentile(took, 0.95))} ms`,
  );
  const value = median(took);
  const [min, max] = [Math.min(...took), Math.max(...took)];
  return { what: 'progress to client, p50', value, min, max, unit: ' ms', bar: below(BAR_MS, value, ' ms') };
}
