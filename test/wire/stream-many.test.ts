import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT_KEY, openHttpLab, serve, type HttpLab } from '../api/http-lab.ts';
import { until } from '../lab.ts';
import { sendTasks } from '../../src/queue/send.ts';
import { readPosition, writePosition } from '../../src/tasks/position.ts';
import { follow, untilBlock, type OpenStream } from './sse.ts';

let lab: HttpLab;
beforeAll(async () => {
  lab = await openHttpLab();
  await lab.work();
});
afterAll(() => lab[Symbol.asyncDispose]());

const enqueue = async (name: string, input: unknown, query = '') =>
  (await lab.call('POST', `/v1/tasks/${name}${query}`, { body: input })).body.id;
const open = async (query = '', options: { lastEventId?: string; key?: string } = {}) => {
  const stream = await follow(`${lab.api.url}/v1/stream${query}`, { key: ROOT_KEY, ...options });
  // The place where it began is the first that it says.
  await until(stream.lastEventId, (id) => id !== '');
  return stream;
};
const told = ({ blocks }: OpenStream) => blocks.map(({ data }) => `${data.task.id} ${data.number}`);
const ofTask = (id: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${id} ${index + 1}`);

/** Tasks that nobody runs, in a transaction that stays open. */
async function openTransaction() {
  const client = new pg.Client({ connectionString: lab.lab.url });
  await client.connect();
  await client.query('BEGIN');
  const tasks = (count: number) =>
    Array.from({ length: count }, () => ({
      tenant: 'default',
      name: 'diag.noop',
      queue: 'old',
      priority: 0,
      maxAttempts: 1,
      resultTtlMs: 1_000,
      input: {},
      tags: ['held'],
      createdBy: 'test',
      delayMs: 3_600_000,
    }));
  return {
    add: async (count: number) => (await sendTasks(client, tasks(count))).map(({ id }) => `${id} 1`),
    async end(how: 'COMMIT' | 'ROLLBACK') {
      await client.query(how);
      await client.end();
    },
  };
}

test('one stream tells what happens to all tasks, each with its task', async () => {
  await using stream = await open();
  const ids = await Promise.all([1, 2, 3].map((value) => enqueue('diag.echo', { value })));
  await untilBlock(stream, 'succeeded', 3);
  expect(told(stream).toSorted()).toEqual(ids.flatMap((id) => ofTask(id, 3)).toSorted());
  expect(stream.blocks[0]).toMatchObject({
    event: 'queued',
    data: { number: 1, type: 'queued', task: { name: 'diag.echo', queue: 'diag', tags: [], batchId: null } },
  });
});

test('a filter by name, queue or tag lets the rest pass', async () => {
  await using byName = await open('?name=old.analyze');
  await using byQueue = await open('?queue=old');
  await using byTag = await open('?tag=red');
  await using byBoth = await open('?tag=red&queue=nobody');
  await enqueue('diag.echo', { value: 1 });
  const red = await enqueue('diag.echo', { value: 2 }, '?tags=red,blue');
  const old = await enqueue('old.analyze', { ticker: 'ACME', year: 2024 });
  await untilBlock(byName, 'succeeded');
  await untilBlock(byQueue, 'succeeded');
  await untilBlock(byTag, 'succeeded');
  expect(told(byName)).toEqual(ofTask(old, 3));
  expect(told(byQueue)).toEqual(ofTask(old, 3));
  expect(told(byTag)).toEqual(ofTask(red, 3));
  expect(byBoth.blocks).toEqual([]);
});

test('a stream tells its own tenant’s tasks only, also from another tenant’s place', async () => {
  const stranger = await lab.keyFor(['read', 'enqueue'], 'elsewhere');
  await using mine = await open();
  await using theirs = await open('', { key: stranger, lastEventId: mine.lastEventId() });
  const id = await enqueue('diag.echo', { value: 1 });
  const { body } = await lab.call('POST', '/v1/tasks/diag.echo', { key: stranger, body: { value: 2 } });
  await untilBlock(mine, 'succeeded');
  await untilBlock(theirs, 'succeeded');
  expect(told(mine)).toEqual(ofTask(id, 3));
  expect(told(theirs)).toEqual(ofTask(body.id, 3));
});

test('what a transaction wrote that was open all the while is told when it commits, to those who stayed and those who came back', async () => {
  await using other = await serve(lab.lab.url);
  await using stayed = await open('?tag=held');
  const early = await openTransaction();
  const first = await early.add(2);
  const late = await openTransaction();
  const second = await late.add(2);
  await late.end('COMMIT');
  await untilBlock(stayed, 'queued', 2);
  expect(told(stayed).toSorted()).toEqual(second.toSorted());

  // The place that came with the later events does not lie behind the transaction that is still open.
  const places = stayed.blocks.map(({ id }) => id);
  stayed.close();
  await early.end('COMMIT');
  for (const lastEventId of places) {
    await using back = await follow(`${other.api.url}/v1/stream?tag=held`, { key: ROOT_KEY, lastEventId });
    await until(() => first.every((event) => told(back).includes(event)));
  }
  await using after = await open('?tag=held', { lastEventId: places.at(-1) ?? '' });
  await untilBlock(after, 'queued', 2);
  expect(told(after).toSorted()).toEqual(first.toSorted());
});

test('a stream that stays open tells the events of a long transaction once, and those around it once', async () => {
  await using stream = await open('?tag=held');
  const long = await openTransaction();
  const held = await long.add(150);
  const others: string[] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    const short = await openTransaction();
    others.push(...(await short.add(60)));
    await short.end(turn === 2 ? 'ROLLBACK' : 'COMMIT');
    if (turn === 2) others.splice(-60);
  }
  await untilBlock(stream, 'queued', 180);
  expect(told(stream).toSorted()).toEqual(others.toSorted());
  await long.end('COMMIT');
  await untilBlock(stream, 'queued', 330);
  expect(told(stream).toSorted()).toEqual([...others, ...held].toSorted());
});

test('whoever drops after any event and comes back misses nothing and gets nothing twice', async () => {
  await using whole = await open('?tag=many');
  const start = whole.lastEventId();
  await Promise.all(Array.from({ length: 80 }, (_, value) => enqueue('diag.echo', { value }, '?tags=many')));
  await untilBlock(whole, 'succeeded', 80);
  let lastEventId = start;
  const seen: string[] = [];
  while (seen.length < 240) {
    await using part = await open('?tag=many', { lastEventId });
    await until(() => part.blocks.length >= Math.min(37, 240 - seen.length));
    const taken = part.blocks.slice(0, 37);
    seen.push(...told({ ...part, blocks: taken }));
    lastEventId = taken.at(-1)?.id ?? '';
  }
  expect(seen.toSorted()).toEqual(told(whole).toSorted());
});

test.each([
  'nonsense',
  '0',
  Buffer.from('5:3:').toString('base64url'),
  Buffer.from('1:9:4,3').toString('base64url'),
  Buffer.from('1:9;1:9;1').toString('base64url'),
  Buffer.from('1:9:;1:9:;5;not-a-task;1').toString('base64url'),
  Buffer.from('900000000000000000:900000000000000000:').toString('base64url'),
])('a Last-Event-ID of %j is 422', async (lastEventId) => {
  const answer = await lab.call('GET', '/v1/stream', { headers: { 'last-event-id': lastEventId } });
  expect(answer).toMatchObject({ status: 422, body: { type: '/problems/validation' } });
});

test('a place stays small however many transactions are open, and is never ahead of the oldest', () => {
  const open = Array.from({ length: 500 }, (_, index) => String(1_000 + index * 2)).join(',');
  const place = writePosition({ since: `1000:2001:${open}` });
  expect(place.length).toBeLessThan(100);
  expect(readPosition(place)).toEqual({ since: '1000:1000:' });
});

test('what a stream reads costs as much as what is new, whatever the history behind it', async () => {
  const snapshot = async () =>
    (await lab.lab.sql<{ now: string }>('SELECT pg_current_snapshot()::text AS now'))[0]?.now ?? '';
  const id = await enqueue('diag.noop', {});
  await lab.lab.final(id);
  const fill = (from: number, to: number) =>
    lab.lab.sql(
      `INSERT INTO lovage.task_event (task_id, number, type, attempt)
       SELECT gen_random_uuid(), n, 'log', 1 FROM generate_series($1::int, $2::int) n`,
      [from, to],
    );
  const before = await snapshot();
  for (let n = 0; n < 30; n += 1) await fill(1, 2_000);
  const since = await snapshot();
  await fill(1, 50);
  const pages = async (place: string, wanted: number) => {
    const [plan] = await lab.lab.sql<{ 'QUERY PLAN': { Plan: Record<string, number> }[] }>(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)
       SELECT * FROM lovage.events_since('${place}', NULL, NULL, NULL, NULL, ${wanted})`,
    );
    const { Plan } = plan?.['QUERY PLAN'][0] ?? { Plan: {} };
    return (Plan['Shared Hit Blocks'] ?? Infinity) + (Plan['Shared Read Blocks'] ?? 0);
  };
  await pages(since, 1);
  expect(await pages(since, 100)).toBeLessThan(40);
  // A page of a place that is long ago looks at one transaction, not at all that came after it.
  expect(await pages(before, 100)).toBeLessThan(200);
});
