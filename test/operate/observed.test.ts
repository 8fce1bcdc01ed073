import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../lab.ts';
import type { TaskView } from '../../src/wire.ts';
import { traceIdOf } from '../../src/tracing/trace-context.ts';
import { findPromtool } from '../../tools/promtool.ts';
import { metricsIn, promtool, readProjectFile } from './monitoring-files.ts';
import { readScrape } from './scrape.ts';
import { KEY, linesOf, openObservedSystem, type ObservedSystem } from './observed-system.ts';

const SEND = 3;
const PROCESS = 4;
const CLIENT = 2;

let system: ObservedSystem;
beforeAll(async () => {
  system = await openObservedSystem();
  const made = await system.call('POST', '/v1/webhooks', { url: `${system.receiver.url}/hook` });
  expect(made.status).toBe(201);
});
afterAll(() => system[Symbol.asyncDispose]());

/** A task whose caller names its trace and its request. */
async function start(name: string, input: object, mark: string) {
  const traceId = mark.padStart(32, 'a');
  const headers = {
    traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
    tracestate: 'vendor=kept',
    'x-request-id': `request-${mark}`,
  };
  const answer = await system.call('POST', `/v1/tasks/${name}`, input, headers);
  expect(answer.status).toBe(202);
  const task = (await answer.json()) as TaskView;
  return { traceId, id: task.id, requestId: `request-${mark}`, final: () => system.lab.final(task.id) };
}

test('one trace leads from the request through every attempt to the webhook', async () => {
  const { id, traceId, final } = await start('observed.inline', { times: 1 }, '1');
  expect(await final()).toMatchObject({ state: 'succeeded', attempt: 2 });
  const spans = await system.spans(traceId, (found) => found.some(({ name }) => name === 'POST'));
  const [send] = spans.filter(({ kind }) => kind === SEND);
  expect(send).toMatchObject({
    name: 'send observed',
    parentId: '00f067aa0ba902b7',
    pid: system.serve.child.pid,
    attributes: {
      'messaging.system': 'lovage',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'observed',
      'messaging.message.id': id,
    },
  });
  const attempts = spans.filter(({ kind, name }) => kind === PROCESS && name === 'process observed');
  expect(attempts.map(({ attributes }) => attributes['lovage.task.attempt'])).toEqual([1, 2]);
  for (const attempt of attempts)
    expect(attempt).toMatchObject({ parentId: send?.spanId, pid: system.worker.child.pid });
  expect(attempts[0]?.attributes).toMatchObject({
    'lovage.outcome': 'retrying',
    'error.type': 'handler_error',
  });
  expect(attempts[1]?.attributes).toMatchObject({
    'lovage.outcome': 'succeeded',
    'messaging.message.id': id,
  });
  const inside = spans.filter(({ name }) => name === 'inside').map(({ parentId }) => parentId);
  expect(inside).toEqual(attempts.map(({ spanId }) => spanId));

  const [message] = await system.receiver.whenReceived('/hook');
  const post = spans.find(({ kind }) => kind === CLIENT);
  expect(post?.attributes).toEqual({
    'http.request.method': 'POST',
    'server.address': '127.0.0.1',
    'server.port': system.receiver.port,
    'http.response.status_code': 204,
  });
  expect(message?.headers['traceparent']).toBe(`00-${traceId}-${post?.spanId}-01`);
  expect(message?.headers['tracestate']).toBe('vendor=kept');
});

test('the trace goes on in child processes and with child tasks', async () => {
  const { traceId, final } = await start('observed.apart', {}, '2');
  const { result } = (await final()) as TaskView & { result: { pid: number } };
  const spans = await system.spans(
    traceId,
    (found) => found.filter(({ name }) => name === 'inside').length === 2,
  );
  const pids = spans.filter(({ name }) => name === 'inside').map(({ pid }) => pid);
  expect(pids).toContain(result.pid);
  expect(result.pid).not.toBe(system.worker.child.pid);
  const attempts = spans.filter(({ name }) => name === 'process observed');
  const parentOf = (spanId: string | undefined) => spans.find((span) => span.spanId === spanId);
  for (const { pid, parentId } of spans.filter(({ name }) => name === 'inside'))
    expect(
      attempts.map(({ spanId }) => spanId),
      `the span of ${pid}`,
    ).toContain(parentId);
  const leaf = attempts.find(({ attributes }) => attributes['lovage.task.name'] === 'observed.leaf');
  const sentInside = parentOf(leaf?.parentId);
  expect(sentInside).toMatchObject({ name: 'send observed', pid: result.pid });
  expect(parentOf(sentInside?.parentId)?.attributes).toMatchObject({ 'lovage.task.name': 'observed.apart' });
});

test('what a batch makes, and what follows it, is in the trace of its request', async () => {
  const traceId = '3'.padStart(32, 'a');
  const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  const tasks = [1, 2].map(() => ({ name: 'observed.leaf', input: {} }));
  const answer = await system.call('POST', '/v1/tasks:batch', { tasks }, headers);
  expect(answer.status).toBe(202);
  const isOver = (found: { name: string }[]) =>
    found.filter(({ name }) => name === 'process observed').length === 2 &&
    found.some(({ name }) => name === 'POST');
  const spans = await system.spans(traceId, isOver);
  const sends = spans.filter(({ kind }) => kind === SEND);
  expect(sends.map(({ attributes }) => attributes['messaging.batch.message_count'])).toEqual([2]);
});

test('a task that came without a trace begins one of its own, and a malformed traceparent counts as none', async () => {
  const answer = await system.call('POST', '/v1/tasks/observed.leaf', {}, { traceparent: '00-zz-1-1' });
  const { id } = (await answer.json()) as TaskView;
  const [row] = await system.lab.sql<{ trace: string }>('SELECT trace FROM lovage.task WHERE id = $1', [id]);
  expect(row?.trace).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});

test('every attempt has one span and it tells how it ended: a crash, a limit, a cancel, writes that were refused', async () => {
  const traceparent = `00-${'5'.padStart(32, 'a')}-00f067aa0ba902b7-01`;
  const submit = async (name: string, query = '') => {
    const answer = await system.call('POST', `/v1/tasks/${name}${query}`, {}, { traceparent });
    expect(answer.status).toBe(202);
    return ((await answer.json()) as TaskView).id;
  };
  await submit('observed.crashing');
  await submit('observed.unwritten');
  await submit('observed.stubborn', '?softLimitMs=100&hardLimitMs=200');
  const id = await submit('observed.stubborn');
  await until(
    () => system.lab.get(id),
    ({ state }) => state === 'running',
  );
  await system.call('POST', `/v1/tasks/${id}/cancel`, {});
  const attempts = (
    await system.spans(
      '5'.padStart(32, 'a'),
      (found) => found.filter((one) => one.kind === PROCESS && one.name === 'process observed').length === 6,
    )
  ).filter(({ name }) => name === 'process observed');
  const ends = attempts.map(({ attributes }) =>
    [attributes['lovage.task.name'], attributes['lovage.outcome'], attributes['error.type']].join(' '),
  );
  expect(ends.toSorted()).toEqual([
    'observed.crashing crashed crashed',
    'observed.crashing crashed crashed',
    'observed.crashing failed crashed',
    'observed.stubborn cancelled ',
    'observed.stubborn failed time_limit',
    'observed.unwritten failed handler_error',
  ]);
});

test('a caller that samples nothing leaves no span, and its task goes on with that', async () => {
  const traceId = '6'.padStart(32, 'a');
  const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-00`, baggage: 'a='.repeat(4_000) };
  const answer = await system.call('POST', '/v1/tasks/observed.leaf?wait=20', {}, headers);
  const { id } = (await answer.json()) as TaskView;
  await system.lab.final(id);
  const [row] = await system.lab.sql<{ trace: string }>('SELECT trace FROM lovage.task WHERE id = $1', [id]);
  expect(row?.trace).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
  expect(await system.spans(traceId, () => true)).toEqual([]);
});

test('each run of a schedule is a trace; one that somebody asks for is in the trace of the request', async () => {
  const made = await system.call('PUT', '/v1/schedules/traced', {
    task: 'observed.leaf',
    input: {},
    cron: '* * * * * *',
  });
  expect(made.ok).toBe(true);
  const tracesOf = async (createdBy: string) => {
    const rows = await system.lab.sql<{ id: string; trace: string }>(
      'SELECT id, trace FROM lovage.task WHERE created_by = $1',
      [createdBy],
    );
    return rows.map(({ id, trace }) => ({ id, traceId: traceIdOf(trace) ?? '' }));
  };
  const runs = await until(
    () => tracesOf('schedule:traced'),
    (found) => found.length >= 2,
  );
  expect(new Set(runs.map(({ traceId }) => traceId)).size).toBe(runs.length);
  const [run] = runs;
  const spans = await system.spans(run?.traceId ?? '', (found) =>
    found.some(({ name }) => name === 'process observed'),
  );
  const [send] = spans.filter(({ kind }) => kind === SEND);
  expect(send?.attributes['messaging.message.id']).toBe(run?.id);
  expect(spans.find(({ kind }) => kind === PROCESS)?.parentId).toBe(send?.spanId);

  const traceId = '8'.padStart(32, 'a');
  const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, 'x-request-id': 'by-hand' };
  await system.call('POST', '/v1/schedules/traced/run', {}, headers);
  await system.call('DELETE', '/v1/schedules/traced');
  const [byHand] = await system.lab.sql("SELECT trace FROM lovage.task WHERE request_id = 'by-hand'");
  expect(byHand?.['trace']).toContain(traceId);
});

test('log lines of the request, of its attempts and of their handlers bear the ids of each other', async () => {
  const { id, traceId, requestId, final } = await start('observed.apart', { times: 1 }, '4');
  await final();
  const request = await until(
    () => linesOf(system.serve, { requestId }),
    (lines) => lines.length > 0,
  );
  expect(request[0]).toMatchObject({ msg: 'request', status: 202, traceId });
  const attempt = { task: id, taskName: 'observed.apart', traceId, requestId };
  const said = await until(
    () => linesOf(system.worker, { task: id }),
    (lines) => lines.some(({ msg }) => msg === 'looked in attempt 2'),
  );
  expect(said.find(({ msg }) => msg === 'looked in attempt 2')).toMatchObject({ ...attempt, attempt: 2 });
  expect(system.worker.output()).not.toContain('stays in the history');
  const leaf = await until(
    () => linesOf(system.worker, { requestId, taskName: 'observed.leaf' }),
    (lines) => lines.length > 0,
  );
  expect(leaf[0]).toMatchObject({ traceId, attempt: 1, msg: 'looked in attempt 1' });
});

test('a worker answers probes on a port of its own, and scrapes with a key', async () => {
  const ask = async (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    (await fetch(`${system.workerUrl}${path}`, { method, headers })).status;
  expect(await ask('/healthz')).toBe(200);
  expect(await ask('/readyz')).toBe(200);
  expect(await ask('/metrics')).toBe(401);
  expect(await ask('/metrics', { authorization: 'Bearer no-such-key-of-some-length' })).toBe(401);
  expect(await ask('/metrics', { authorization: `Bearer ${KEY}` })).toBe(200);
  expect(await ask('/v1/tasks')).toBe(404);
  expect(await ask('/metrics', { authorization: `Bearer ${KEY}` }, 'POST')).toBe(405);
});

/** What the two processes show together. */
async function scrapeAll() {
  const [api, worker] = await Promise.all([system.scrape(system.apiUrl), system.scrape(system.workerUrl)]);
  return { api, worker, known: new Set([...readScrape(api).names, ...readScrape(worker).names]) };
}

test('every metric that the dashboard and the alerts name is there, and the page lists them all', async () => {
  const { known } = await scrapeAll();
  const dashboard = await readProjectFile('deploy/grafana/lovage.json');
  const alerts = await readProjectFile('deploy/prometheus/alerts.yml');
  for (const text of [dashboard, alerts]) {
    const named = metricsIn(text, known);
    expect(named.size).toBeGreaterThan(10);
    expect([...named].filter((name) => !known.has(name))).toEqual([]);
  }
  const page = await readProjectFile('docs/observe.md');
  const listed = Array.from(page.matchAll(/^\| `(\w+)` \|/gm), ([, name = '']) => name).filter((name) =>
    /^(?:lovage|process)_/.test(name),
  );
  expect(listed.toSorted()).toEqual([...known].toSorted());
});

test('promtool finds nothing to say of the metrics, and the rules and their tests hold', async ({ skip }) => {
  if (!findPromtool())
    return skip('NOT CHECKED: promtool is not on PATH; `node tools/promtool.ts` installs it where it can');
  const { api, worker } = await scrapeAll();
  for (const text of [api, worker])
    expect(promtool(['check', 'metrics'], text)).toEqual({ isContent: true, says: '' });
  expect(promtool(['check', 'metrics'], 'lovage_bad_total 1\n').says).not.toBe('');
  expect(promtool(['check', 'rules', 'alerts.yml'])).toMatchObject({ isContent: true });
  expect(promtool(['check', 'config', '--syntax-only', 'prometheus.yml'])).toMatchObject({ isContent: true });
  expect(promtool(['test', 'rules', 'alerts.test.yml'])).toMatchObject({ isContent: true });
});

test('what is handed back as its worker ends has a span, also where the SDK holds spans back', async () => {
  system.worker.child.kill('SIGTERM');
  expect(await system.worker.exited).toBe(0);
  const late = await system.startWorker({ TEST_SPANS_LATE: '1', LOVAGE_DRAIN_MS: '100' });
  const { traceId, id } = await start('observed.stubbornInline', {}, '7');
  await until(
    () => system.lab.get(id),
    ({ state }) => state === 'running',
    40_000,
  );
  late.child.kill('SIGTERM');
  expect(await late.exited).toBe(0);
  const spans = await system.spans(traceId, () => true);
  expect(spans.find(({ kind }) => kind === PROCESS)?.attributes).toMatchObject({
    'messaging.message.id': id,
    'lovage.outcome': 'handed_back',
  });
});
