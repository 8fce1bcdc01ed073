import { expect, test } from 'vitest';
import { openRoad } from '../faults/cluster.ts';
import { openHttpLab, ROOT_KEY, serve } from '../api/http-lab.ts';
import { until } from '../lab.ts';
import { follow, untilBlock } from './sse.ts';

test('when Postgres goes away a stream says so and ends, is 503 while it is away, and goes on where it was', async () => {
  await using lab = await openHttpLab();
  await using road = await openRoad({ url: lab.lab.url, port: Number(new URL(lab.lab.url).port) });
  await using server = await serve(road.url);
  await lab.work();
  const { id } = (await lab.call('POST', '/v1/tasks/diag.progress', { body: { steps: 60, everyMs: 50 } }))
    .body;
  const paths = [`/v1/tasks/${id}/stream`, '/v1/stream?name=diag.progress'];
  const open = (path: string, lastEventId?: string) =>
    follow(`${server.api.url}${path}`, { key: ROOT_KEY, lastEventId });
  await using one = await open(paths[0] ?? '');
  await using many = await open(paths[1] ?? '');
  await untilBlock(one, 'progress', 2);
  await untilBlock(many, 'progress', 2);

  road.leadTo(undefined);
  await Promise.all([one.ended, many.ended]);
  for (const stream of [one, many]) {
    const last = stream.blocks.at(-1);
    expect(last?.event).toBe('error');
    expect(last?.data).toMatchObject({
      code: 'queue-unavailable',
      status: 503,
      retryAfter: expect.any(Number),
    });
    expect(stream.text()).toMatch(/event: error\nretry: \d{4}\n/);
  }
  expect(server.lovage.events.size).toBe(0);
  for (const path of paths) {
    const answer = await server.call('GET', path);
    expect(answer).toMatchObject({ status: 503, body: { type: '/problems/queue-unavailable' } });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }

  road.leadTo({ url: lab.lab.url, port: Number(new URL(lab.lab.url).port) });
  await until(
    () => server.call('GET', '/readyz'),
    ({ status }) => status === 200,
  );
  await using back = await open(paths[0] ?? '', one.lastEventId());
  await using manyBack = await open(paths[1] ?? '', many.lastEventId());
  await back.ended;
  await untilBlock(manyBack, 'succeeded');
  const numbers = [one, back].flatMap(({ blocks }) => blocks.flatMap(({ data }) => data.number ?? []));
  expect(numbers).toEqual(Array.from({ length: 63 }, (_, index) => index + 1));
  const inMany = new Set(
    [many, manyBack].flatMap(({ blocks }) => blocks.flatMap(({ data }) => data.number ?? [])),
  );
  // It began when the task ran already; from there on nothing is missing.
  const began = Math.min(...inMany);
  expect([...inMany].toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 64 - began }, (_, index) => began + index),
  );
});
