import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../lab.ts';
import { EGRESS, openWebhookLab, SECRET, type WebhookLab } from '../wire/webhook-lab.ts';
import { readScrape } from './scrape.ts';

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';

let wire: WebhookLab;
beforeAll(async () => {
  wire = await openWebhookLab();
});
afterAll(() => wire[Symbol.asyncDispose]());

test('each try to deliver is counted by its result; without an SDK the caller’s trace arrives as it came', async () => {
  const { receiver, lab } = wire;
  receiver.answers.set('/down', (response) => void response.writeHead(503).end());
  receiver.answers.set('/gone', (response) => void response.writeHead(410).end());
  receiver.answers.set('/odd', (response) => void response.writeHead(999).end());
  receiver.answers.set('/silent', () => undefined);
  receiver.answers.set('/cut', (response) => void response.destroy());
  for (const path of ['/ok', '/down', '/gone', '/odd', '/silent', '/cut']) await wire.endpoint(path);
  const worker = await lab.worker({ secret: SECRET, egress: EGRESS });
  const scrape = async () => readScrape((await worker.lovage.metrics.write(undefined)).body);
  const tries = (of: Awaited<ReturnType<typeof scrape>>) => of.value('lovage_webhook_tries_total');
  expect(tries(await scrape())).toBe(0);

  const headers = { traceparent: TRACEPARENT, tracestate: 'vendor=a,other=b', baggage: 'user=alice' };
  const { status } = await wire.call('POST', '/v1/tasks/diag.noop', { body: {}, headers });
  expect(status).toBe(202);
  const seen = await until(scrape, (now) => tries(now) === 6);
  const of = (outcome: string, result: string) =>
    seen.value('lovage_webhook_tries_total', { outcome, result });
  expect(of('delivered', '2xx')).toBe(1);
  expect(of('retrying', '5xx')).toBe(1);
  expect(of('failed', '4xx')).toBe(1);
  expect(of('retrying', '9xx')).toBe(1);
  expect(of('retrying', 'timeout')).toBe(1);
  expect(of('retrying', 'connection_failed')).toBe(1);
  expect(seen.value('lovage_webhook_try_seconds_count')).toBe(6);
  // Those that wait to be tried again.
  await until(
    () => lab.sql('SELECT webhook_backlog::int FROM lovage.cluster_metrics()'),
    ([row]) => row?.['webhook_backlog'] === 4,
  );

  const [message] = await receiver.whenReceived('/ok');
  expect(message?.headers).toMatchObject({ traceparent: TRACEPARENT, tracestate: 'vendor=a,other=b' });
  expect(message?.headers).not.toHaveProperty('baggage');
});
