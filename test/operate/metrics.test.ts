import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { echo } from '../../packs/diag/tasks.ts';
import { createLog } from '../../src/log.ts';
import { pauseQueue } from '../../src/queues/pause.ts';
import { enqueueTask } from '../../src/tasks/enqueue.ts';
import type { RunningWorker } from '../../src/worker/start.ts';
import { type HttpLab, OPERATOR, openHttpLab, ROOT_KEY, serve } from '../api/http-lab.ts';
import { until } from '../lab.ts';
import { Line } from '../line.ts';
import { openWire } from '../worker/processes.ts';
import { readScrape, type Scraped } from './scrape.ts';

const OPEN_METRICS = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5';

let lab: HttpLab;
let worker: RunningWorker;
beforeAll(async () => {
  lab = await openHttpLab();
  worker = (await lab.work()) as RunningWorker;
});
afterAll(() => lab[Symbol.asyncDispose]());

const scrape = async () => readScrape((await lab.call('GET', '/metrics')).text);
const worked = async () => readScrape((await worker.lovage.metrics.write(undefined)).body);
const run = async (name: string, input: object) => {
  const { id } = await enqueueTask(lab.lovage, OPERATOR, { name, input });
  return lab.lab.final(id);
};

test('tasks are counted by name and outcome, with how long they waited and ran, and their retries and crashes', async () => {
  const before = await worked();
  expect(before.value('lovage_tasks_finished_total', { name: 'diag.echo', outcome: 'succeeded' })).toBe(0);
  await run('diag.echo', { value: 1 });
  await run('diag.sleep', { ms: 60 });
  await run('diag.fail', { times: 1 });
  const after = await until(
    worked,
    (now) => (now.value('lovage_task_retries_total', { name: 'diag.fail' }) ?? 0) > 0,
  );
  const finished = (name: string, outcome: string) =>
    after.value('lovage_tasks_finished_total', { name, outcome });
  expect(finished('diag.echo', 'succeeded')).toBe(1);
  expect((finished('diag.fail', 'failed') ?? 0) + (finished('diag.fail', 'succeeded') ?? 0)).toBe(1);
  expect(after.value('lovage_task_wait_seconds_count', { name: 'diag.echo' })).toBe(1);
  expect(after.value('lovage_task_run_seconds_bucket', { name: 'diag.sleep', le: '0.05' })).toBe(0);
  expect(after.value('lovage_task_run_seconds_bucket', { name: 'diag.sleep', le: '+Inf' })).toBe(1);
  expect(after.value('lovage_task_run_seconds_sum', { name: 'diag.sleep' })).toBeGreaterThan(0.055);
  expect(after.value('lovage_claims_total', { queue: 'diag', result: 'failed' })).toBeUndefined();
  expect(after.value('lovage_claimed_tasks_total', { queue: 'diag' })).toBeGreaterThanOrEqual(4);
  expect(after.value('lovage_settle_tasks_count')).toBeGreaterThanOrEqual(4);
  expect(after.value('lovage_settle_tasks_sum')).toBeGreaterThanOrEqual(4);
  expect(after.value('lovage_slots')).toBe(10);
  expect(after.value('lovage_listener_connected', { listener: 'worker' })).toBe(1);
  expect(after.value('lovage_listener_last_heard_timestamp_seconds')).toBeGreaterThan(Date.now() / 1000 - 60);
  expect(after.value('lovage_pool_max_connections', { pool: 'worker' })).toBe(8);
  expect(after.value('lovage_child_processes', { state: 'idle' })).toBeDefined();
});

test('the database tells of queues: what waits, since when, pauses and limits; and of workers', async () => {
  await pauseQueue(lab.lovage, OPERATOR, 'children');
  for (const delayMs of [0, 0, 3_600_000])
    await enqueueTask(lab.lovage, OPERATOR, { name: 'family.child', input: { value: 1 }, delayMs });
  await lab.lab
    .sql(`UPDATE pgboss.job SET created_on = now() - interval '100 s', start_after = now() - interval '100 s'
             WHERE id = (SELECT id FROM pgboss.job WHERE name = 'children' AND start_after <= now() ORDER BY id DESC LIMIT 1)`);
  await lab.lab.sql(`SELECT lovage.set_limits('old', 3, NULL, 10, 2000)`);
  const seen = await until(
    scrape,
    (now) => now.value('lovage_queue_tasks', { queue: 'children', state: 'ready' }) === 2,
  );
  expect(seen.value('lovage_queue_tasks', { queue: 'children', state: 'scheduled' })).toBe(1);
  expect(seen.value('lovage_queue_tasks', { queue: 'children', state: 'running' })).toBe(0);
  expect(seen.value('lovage_queue_oldest_ready_seconds', { queue: 'children' })).toBeGreaterThan(95);
  expect(seen.value('lovage_queue_oldest_ready_seconds', { queue: 'children' })).toBeLessThan(150);
  expect(seen.value('lovage_queue_oldest_ready_seconds', { queue: 'diag' })).toBe(0);
  expect(seen.value('lovage_queue_paused', { queue: 'children' })).toBe(1);
  expect(seen.value('lovage_queue_limit', { queue: 'old', limit: 'concurrency' })).toBe(3);
  expect(seen.value('lovage_queue_limit', { queue: 'old', limit: 'rate_per_second' })).toBe(5);
  expect(seen.value('lovage_workers', { state: 'live' })).toBe(1);
  expect(seen.value('lovage_worker_slots')).toBe(10);
  expect(seen.value('lovage_database_up')).toBe(1);
  expect(seen.value('lovage_schedules_late')).toBe(0);
});

test('junk names, paths, methods and tenants make no series of their own', async () => {
  // What claims brought is known beforehand, and comes when it comes.
  const named = ({ series }: Scraped) =>
    series.filter((one) => !one.startsWith('lovage_claims_total')).length;
  const count = async () => [named(await scrape()), named(await worked())];
  const flood = async (round: string) => {
    for (let at = 0; at < 12; at += 1) {
      const junk = `${round}-${at}`;
      await Promise.all([
        lab.call('GET', `/junk/${junk}`, { key: null }).catch(() => undefined),
        lab.call('GET', `/v1/tasks/${junk}`),
        lab.call('POST', `/v1/tasks/junk.${junk}`, { body: {} }),
        lab.call('GET', `/trpc/tasks.${junk}?input=%7B%7D`).catch(() => undefined),
        lab.call('GET', `/v1/queues/${junk}`),
      ]);
    }
    await lab.keyFor(['read'], `tenant-${round}`).then((key) => lab.call('GET', '/v1/tasks', { key }));
    await lab.lab.sql(
      `SELECT FROM lovage.add_tasks((SELECT jsonb_agg(jsonb_build_object('name', 'junk.' || $1 || i, 'queue', 'diag', 'tenant', 't' || i, 'createdBy', 'test'))
        FROM generate_series(1, 20) i))`,
      [round],
    );
  };
  await flood('one');
  await until(worked, (now) => (now.value('lovage_task_wait_seconds_count', { name: 'other' }) ?? 0) >= 20);
  const before = await count();
  await flood('two');
  await until(worked, (now) => (now.value('lovage_task_wait_seconds_count', { name: 'other' }) ?? 0) >= 40);
  const text = `${(await scrape()).text}${(await worked()).text}`;
  expect(await count()).toEqual(before);
  expect(text).not.toMatch(/junk|tenant/);
  const seen = await scrape();
  expect(
    seen.value('lovage_http_requests_total', { route: 'GET /v1/tasks/:id', status: '404' }),
  ).toBeGreaterThanOrEqual(24);
  expect(seen.value('lovage_http_requests_total', { route: 'GET (none)' })).toBeGreaterThanOrEqual(24);
  expect(seen.value('lovage_http_request_seconds_count', { route: 'GET /trpc/*' })).toBeGreaterThanOrEqual(
    24,
  );
});

test('it takes a key of the default tenant with `read`, or the variable that opens it', async () => {
  const status = async (key: string | null) => (await lab.call('GET', '/metrics', { key })).status;
  expect(await status(null)).toBe(401);
  expect(await status('no-such-key-of-some-length')).toBe(401);
  expect(await status(await lab.keyFor(['enqueue']))).toBe(403);
  expect(await status(await lab.keyFor(['read'], 'elsewhere'))).toBe(403);
  expect(await status(await lab.keyFor(['read']))).toBe(200);
  expect(await status(ROOT_KEY)).toBe(200);
  await using open = await serve(lab.lab.url, undefined, undefined, { metricsOpen: true });
  expect((await open.call('GET', '/metrics', { key: null })).status).toBe(200);
});

test('Accept chooses between the text format and OpenMetrics', async () => {
  const plain = await lab.call('GET', '/metrics');
  expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(plain.text).toContain('# TYPE lovage_http_requests_total counter');
  const open = await lab.call('GET', '/metrics', { headers: { accept: OPEN_METRICS } });
  expect(open.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
  expect(open.text).toMatch(/# EOF\n$/);
  expect(open.text).toContain('# TYPE lovage_http_requests counter');
  expect(open.text).toMatch(/^lovage_http_requests_total\{/m);
  expect(open.text).toMatch(/le="1\.0"/);
  expect(open.text).not.toMatch(/^\n|\n\n/);
  const again = await lab.call('GET', '/metrics', {
    headers: { accept: 'text/plain, application/openmetrics-text;q=0.1' },
  });
  expect(again.text).toContain('# TYPE lovage_http_requests_total counter');
});

test('however many scrape, Postgres is asked for its numbers once in three seconds', async () => {
  await using wire = await openWire(lab.lab.url);
  await using server = await serve(wire.url);
  await server.call('GET', '/metrics');
  await Promise.all(Array.from({ length: 20 }, () => server.call('GET', '/metrics')));
  expect(wire.sent('lovage_metrics')).toBe(1);
});

test('while Postgres is away it answers in time, says so, and lets in a key that it knew', async () => {
  const line = new Line();
  const postgres = new URL(lab.lab.url);
  const key = await lab.keyFor(['read']);
  await line.open(postgres);
  try {
    await using server = await serve(line.through(postgres), createLog({ level: 'silent' }));
    expect(readScrape((await server.call('GET', '/metrics', { key })).text).value('lovage_database_up')).toBe(
      1,
    );
    await line.cut();
    const away = async (by: string) => {
      const startedAt = performance.now();
      const { status, text } = await server.call('GET', '/metrics', { key: by });
      return {
        status,
        up: readScrape(text).value('lovage_database_up'),
        inTime: performance.now() - startedAt < 4_500,
        text,
      };
    };
    const isAway = ({ up }: { up: number | undefined }) => up === 0;
    for (const by of [ROOT_KEY, key])
      expect(await until(() => away(by), isAway)).toMatchObject({ status: 200, up: 0, inTime: true });
    const { text } = await away(ROOT_KEY);
    expect(text).not.toContain('lovage_queue_tasks');
    expect(text).toContain('lovage_http_requests_total');
  } finally {
    await line.cut();
  }
});

test('what Postgres told slowly is not told again once it is away', async () => {
  const line = new Line();
  const postgres = new URL(lab.lab.url);
  await line.open(postgres);
  const holder = new pg.Client({ connectionString: lab.lab.url });
  await holder.connect();
  try {
    await using server = await serve(line.through(postgres), createLog({ level: 'silent' }));
    await holder.query('BEGIN; LOCK lovage.schedule IN ACCESS EXCLUSIVE MODE');
    const scraping = server.call('GET', '/metrics');
    // So long that its answer is good for half a minute.
    await until(
      () =>
        lab.lab.sql(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
           AND query LIKE '%lovage.cluster_metrics%' AND now() - query_start > interval '1.5 s'`,
        ),
      (waiting) => waiting.length > 0,
    );
    await holder.query('COMMIT');
    expect(readScrape((await scraping).text).value('lovage_queue_paused', { queue: 'diag' })).toBe(0);
    await line.cut();
    const { text } = await until(
      () => server.call('GET', '/metrics'),
      (answer) => readScrape(answer.text).value('lovage_database_up') === 0,
      10_000,
    );
    expect(text).not.toContain('lovage_queue_paused');
  } finally {
    await holder.end();
    await line.cut();
  }
});

test('what no handler was called for is no run', async () => {
  const seen = await worked();
  expect(seen.value('lovage_task_wait_seconds_count', { name: 'other' })).toBeGreaterThan(0);
  expect(seen.value('lovage_task_run_seconds_count', { name: 'other' })).toBeUndefined();
});

test('a request that waits for minutes has a bucket', async () => {
  const seen = await scrape();
  expect(
    seen.value('lovage_http_request_seconds_bucket', { route: 'GET /metrics', le: '600' }),
  ).toBeGreaterThan(0);
});

test('a backlog is read up to a limit, and estimated beyond it', async () => {
  await pauseQueue(lab.lovage, OPERATOR, 'children');
  for (let part = 0; part < 4; part += 1)
    await lab.lab.sql(
      `SELECT FROM lovage.add_tasks((SELECT jsonb_agg(jsonb_build_object('name', 'family.child', 'queue', 'children', 'createdBy', 'test'))
      FROM generate_series(1, 2500)))`,
    );
  const [queue] = await lab.lab.sql<{ job_table: string }>(
    "SELECT job_table FROM lovage.queue_control WHERE queue = 'children'",
  );
  await lab.lab.sql(`ANALYZE pgboss.${queue?.job_table}`);
  const [seen] = await lab.lab.sql<{ ready: number }>(
    "SELECT ready FROM lovage.queue_depths('children', 500)",
  );
  // 501 were looked at.
  expect(seen?.ready).toBeGreaterThan(7_500);
});

test('without an SDK the trace and the request of the caller are kept with the task, and nothing is without them', async () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const headers = { traceparent, tracestate: 'vendor=a', 'x-request-id': 'mine' };
  const { body } = await lab.call('POST', '/v1/tasks/diag.noop', { body: {}, headers });
  const { id } = await lab.lab.enqueue(echo, { value: 1 });
  const kept = (of: string) => lab.lab.sql('SELECT trace, request_id FROM lovage.task WHERE id = $1', [of]);
  expect(await kept(body.id)).toEqual([{ trace: `${traceparent} vendor=a`, request_id: 'mine' }]);
  expect(await kept(id)).toEqual([{ trace: null, request_id: null }]);
});
