import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT_KEY, openHttpLab, serve, type HttpLab } from '../api/http-lab.ts';
import { until } from '../lab.ts';
import { follow, untilBlock, type OpenStream } from './sse.ts';

let lab: HttpLab;
beforeAll(async () => {
  lab = await openHttpLab();
  await lab.work();
});
afterAll(() => lab[Symbol.asyncDispose]());

const enqueue = async (name: string, input: unknown) =>
  (await lab.call('POST', `/v1/tasks/${name}`, { body: input })).body.id;
const streamOf = (id: string, lastEventId?: string, key = ROOT_KEY) =>
  follow(`${lab.api.url}/v1/tasks/${id}/stream`, { key, lastEventId });
const numbers = ({ blocks }: OpenStream) => blocks.flatMap(({ data }) => data.number ?? []);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test('a stream tells every event with its number as id, then the whole task, and ends', async () => {
  const id = await enqueue('diag.progress', { steps: 5, everyMs: 20 });
  await using stream = await streamOf(id);
  expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/);
  await stream.ended;

  const { body } = await lab.call('GET', `/v1/tasks/${id}/events`);
  const history = stream.blocks.filter(({ data }) => data.number !== undefined);
  expect(history.map(({ data }) => data)).toEqual(body.items);
  expect(history.map(({ id: number, event }) => [number, event])).toEqual(
    body.items.map(({ number, type }) => [String(number), type]),
  );
  expect(stream.blocks.at(-1)).toMatchObject({
    event: 'end',
    data: { id, state: 'succeeded', result: { steps: 5 }, input: { steps: 5, everyMs: 20 } },
  });
  expect(stream.text().startsWith('retry: 1000\n\n')).toBe(true);
});

test('a stream of a finished task replays and closes, from the beginning or from any number', async () => {
  const id = await enqueue('diag.progress', { steps: 150, everyMs: 0 });
  await lab.lab.final(id);
  await using whole = await streamOf(id);
  await whole.ended;
  expect(numbers(whole)).toEqual(upTo(103));

  await using rest = await streamOf(id, '101');
  await rest.ended;
  expect(rest.blocks.map(({ event }) => event)).toEqual(['progress', 'succeeded', 'end']);

  await using nothing = await streamOf(id, '103');
  await nothing.ended;
  expect(nothing.blocks.map(({ event }) => event)).toEqual(['end']);
});

test('a client that drops and resumes on another node gets every event once and in order', async () => {
  await using other = await serve(lab.lab.url);
  const id = await enqueue('diag.progress', { steps: 40, everyMs: 20 });
  const nodes = [lab.api.url, other.api.url];
  const told: number[] = [];
  let lastEventId: string | undefined;
  for (let turn = 0; told.length < 43; turn += 1) {
    const wanted = told.length + 5;
    await using stream = await follow(`${nodes[turn % 2]}/v1/tasks/${id}/stream`, {
      key: ROOT_KEY,
      lastEventId,
    });
    await until(() => told.length + numbers(stream).length >= Math.min(wanted, 43));
    stream.close();
    await stream.ended;
    told.push(...numbers(stream));
    lastEventId = stream.lastEventId();
  }
  expect(told).toEqual(upTo(43));
});

test('progress beyond the hundred that are kept is told without an id', async () => {
  const id = await enqueue('diag.progress', { steps: 200, everyMs: 5 });
  await using stream = await streamOf(id);
  await stream.ended;
  const live = stream.blocks.filter(({ data }) => data.number === null);
  expect(live.length).toBeGreaterThan(0);
  expect(live.every(({ event, data }) => event === 'progress' && Number(data.data['current']) > 100)).toBe(
    true,
  );
  expect(numbers(stream)).toEqual(upTo(103));
});

test('a task that is run again after its end is followed on', async () => {
  const id = await enqueue('diag.fail', { times: 9 });
  await lab.call('POST', `/v1/tasks/${id}/cancel`);
  await lab.lab.final(id);
  await using first = await streamOf(id);
  await first.ended;
  await lab.lab.sql('SELECT lovage.pause($1)', ['diag']);
  await lab.call('POST', `/v1/tasks/${id}/retry`);
  await using second = await streamOf(id, first.lastEventId());
  await untilBlock(second, 'requeued');
  await lab.call('POST', `/v1/tasks/${id}/cancel`);
  await second.ended;
  expect(second.blocks.map(({ event }) => event)).toEqual(['requeued', 'cancelled', 'end']);
  await lab.lab.sql('SELECT lovage.resume($1)', ['diag']);
});

test('what is done by hand in psql, which nobody announces, is told too', async () => {
  const id = (await lab.call('POST', '/v1/tasks/diag.noop?delayMs=3600000', { body: {} })).body.id;
  await using stream = await streamOf(id);
  await untilBlock(stream, 'queued');
  for (const priority of [5, 6]) {
    await lab.lab.sql('UPDATE pgboss.job SET priority = $2 WHERE id = $1', [id, priority]);
    await untilBlock(stream, 'changed', priority - 4);
  }
  await lab.lab.sql('DELETE FROM pgboss.job WHERE id = $1', [id]);
  await stream.ended;
  expect(stream.blocks.map(({ event }) => event)).toEqual(['queued', 'changed', 'changed', 'expired', 'end']);
});

test.each(['nonsense', '-1', '1.5', '99', '99999999999999999999', '1;2'])(
  'a Last-Event-ID of %j is 422',
  async (lastEventId) => {
    const id = await enqueue('diag.noop', {});
    await lab.lab.final(id);
    const path = `/v1/tasks/${id}/stream`;
    const header = await lab.call('GET', path, { headers: { 'last-event-id': lastEventId } });
    const query = await lab.call('GET', `${path}?lastEventId=${lastEventId}`);
    for (const answer of [header, query])
      expect(answer).toMatchObject({ status: 422, body: { type: '/problems/validation' } });
  },
);

test('a stream of an unknown task, a malformed id or another tenant’s task is 404, and without a key 401', async () => {
  const id = await enqueue('diag.noop', {});
  const stranger = await lab.keyFor(['read'], 'elsewhere');
  const enqueuer = await lab.keyFor(['enqueue']);
  const unknown = '0197b6f0-0000-7000-8000-000000000000';
  const status = async (path: string, key: string | null) =>
    (await lab.call('GET', `/v1/tasks/${path}/stream`, { key })).status;
  expect(await status(unknown, ROOT_KEY)).toBe(404);
  expect(await status('nonsense', ROOT_KEY)).toBe(404);
  expect(await status(id, stranger)).toBe(404);
  expect(await status(id, null)).toBe(401);
  expect(await status(id, enqueuer)).toBe(403);
});

test('a caller that hangs up, or only asks for the head, leaves nothing', async () => {
  const id = await enqueue('diag.sleep', { ms: 60_000 });
  const { events } = lab.lovage;
  await using stream = await streamOf(id);
  await untilBlock(stream, 'queued');
  expect(events.size).toBe(1);
  stream.close();
  await until(
    () => events.size,
    (size) => size === 0,
  );
  expect((await lab.call('HEAD', `/v1/tasks/${id}/stream`)).status).toBe(200);
  expect(events.size).toBe(0);
  await lab.call('POST', `/v1/tasks/${id}/cancel`);
});

test('nobody announces anything unless somebody watches', async () => {
  const heard: string[] = [];
  lab.lovage.listener.on('lovage_event', (payload) => heard.push(payload));
  const unwatched = await enqueue('diag.progress', { steps: 3, everyMs: 1 });
  await lab.lab.final(unwatched);
  const id = await enqueue('diag.progress', { steps: 30, everyMs: 20 });
  await using stream = await streamOf(id);
  await stream.ended;
  const announced = new Set(heard.flatMap((payload) => payload.split(',')));
  expect(announced).toContain(id);
  expect(announced).not.toContain(unwatched);
  expect(announced).not.toContain('*');
});
