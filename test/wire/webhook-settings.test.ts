import { afterAll, beforeAll, expect, test } from 'vitest';
import { noop } from '../../packs/diag/tasks.ts';
import { defineConfig } from '../../src/config.ts';
import { definePack } from '../../src/pack.ts';
import { defineTask } from '../../src/task.ts';
import { enqueueTask } from '../../src/tasks/enqueue.ts';
import { createWebhook } from '../../src/webhooks/create.ts';
import { until } from '../lab.ts';
import { verify } from './receiver.ts';
import { EGRESS, openWebhookLab, SECRET, type WebhookLab } from './webhook-lab.ts';

let wire: WebhookLab;
beforeAll(async () => {
  wire = await openWebhookLab();
  await wire.lab.worker({ secret: SECRET, egress: EGRESS });
});
afterAll(async () => {
  expect(await wire.lab.violations()).toEqual([]);
  await wire[Symbol.asyncDispose]();
});

const pointers = ({ body }: { body: { errors: { pointer: string }[] } }) =>
  body.errors.map(({ pointer }) => pointer);

test('an endpoint gets what it asked for: of one key, of some events', async () => {
  const key = await wire.keyFor('ci', ['enqueue']);
  const webhooks = [
    await wire.endpoint('/of-ci', { key: 'ci' }),
    await wire.endpoint('/of-other', { key: 'other' }),
    await wire.endpoint('/of-failures', { events: ['task.failed'] }),
    await wire.endpoint('/of-successes', { events: ['task.succeeded', 'task.succeeded'] }),
  ];
  expect(webhooks[3]?.events).toEqual(['task.succeeded']);
  const { body } = await wire.call('POST', '/v1/tasks/diag.noop', { body: {}, key });
  await wire.receiver.whenReceived('/of-ci');
  await wire.receiver.whenReceived('/of-successes');
  await wire.deliveries(body.id, 'delivered', 2);
  expect([...wire.receiver.on('/of-other'), ...wire.receiver.on('/of-failures')]).toEqual([]);
  for (const { id } of webhooks) await wire.remove(id);
});

test('both secrets sign until the grace is over, and neither is shown again', async () => {
  const { id, secret: former } = await wire.endpoint('/rotated');
  const { body: rotated } = await wire.call('POST', `/v1/webhooks/${id}/rotate`);
  expect(rotated.secret).not.toBe(former);
  await wire.call('POST', `/v1/webhooks/${id}/test`);
  const [both] = await wire.receiver.whenReceived('/rotated');
  for (const secret of [former, rotated.secret]) {
    expect(verify(both, secret)).toMatchObject({ type: 'webhook.test', data: { webhookId: id } });
  }
  const { body: last } = await wire.call('POST', `/v1/webhooks/${id}/rotate`, { body: { graceMs: 0 } });
  expect(await wire.call('POST', `/v1/webhooks/${id}/test`)).toMatchObject({
    status: 202,
    body: { state: 'pending' },
  });
  const [, one] = await wire.receiver.whenReceived('/rotated', 2);
  verify(one, last.secret);
  expect(() => verify(one, rotated.secret)).toThrow('No matching signature');

  const seen = [
    await wire.call('GET', '/v1/webhooks'),
    await wire.call('GET', `/v1/webhooks/${id}`),
    await wire.call('PATCH', `/v1/webhooks/${id}`, { body: { key: 'ci' } }),
    await wire.call('GET', `/v1/webhooks/${id}/deliveries`),
  ].map(({ text }) => text);
  const [row] = await wire.lab.sql<{ kept: string }>(
    "SELECT encode(secret || coalesce(former_secret, ''), 'escape') AS kept FROM lovage.webhook_endpoint WHERE id = $1",
    [id],
  );
  for (const secret of [former, rotated.secret, last.secret])
    expect([...seen, row?.kept].join()).not.toContain(secret);
  await wire.remove(id);
});

test('under another LOVAGE_SECRET a message fails with a clear code, and the worker goes on, with all its slots taken', async () => {
  await using other = await openWebhookLab();
  const { id } = await other.endpoint('/unreadable');
  const { body: task } = await other.call('POST', '/v1/tasks/diag.sleep', { body: { ms: 60_000 } });
  await other.lab.worker({ secret: `another-${SECRET}`, egress: EGRESS, queues: ['diag'], slots: 1 });
  await until(
    () => other.lab.get(task.id),
    ({ state }) => state === 'running',
  );
  const { body: sent } = await other.call('POST', `/v1/webhooks/${id}/test`);
  const { body: delivery } = await until(
    () => other.call('GET', `/v1/webhook-deliveries/${sent.id}`),
    ({ body }) => body.attempts.some(({ outcome }) => outcome !== null),
  );
  expect(delivery.attempts).toMatchObject([{ outcome: 'retrying', error: { code: 'secret_unreadable' } }]);
  expect(other.receiver.received).toEqual([]);

  const { body: cancelled } = await other.call(
    'POST',
    `/v1/tasks/diag.noop?delayMs=60000&callbackUrl=${encodeURIComponent(`${other.receiver.url}/beside`)}`,
    { body: {} },
  );
  await other.call('POST', `/v1/tasks/${cancelled.id}/cancel`);
  await other.receiver.whenReceived('/beside');
  expect(await other.lab.get(task.id)).toMatchObject({ state: 'running' });
});

test('without LOVAGE_SECRET nothing that needs one is accepted', async () => {
  const { lovage, caller } = wire.lab;
  const count = () =>
    wire.lab.sql('SELECT id FROM lovage.webhook_endpoint UNION ALL SELECT id FROM lovage.task');
  const before = await count();
  const url = 'https://example.com/';
  await expect(createWebhook(lovage, caller, { url })).rejects.toMatchObject({ code: 'not-configured' });
  const secret = `whsec_${Buffer.alloc(24).toString('base64')}`;
  const signed = enqueueTask(lovage, caller, { name: 'diag.noop', input: {}, callback: { url, secret } });
  await expect(signed).rejects.toMatchObject({ code: 'not-configured' });
  expect(await count()).toEqual(before);
});

test('what does not fit is refused with a pointer, and nothing is written', async () => {
  const post = (body: unknown) => wire.call('POST', '/v1/webhooks', { body });
  const url = `${wire.receiver.url}/x`;
  expect(pointers(await post({ url: 'http://10.0.0.1/' }))).toEqual(['/url']);
  expect(pointers(await post({ url, events: ['task.started'] }))).toEqual(['/events/0']);
  expect(pointers(await post({ url, secret: 'whsec_c2hvcnQ=' }))).toEqual(['/secret']);
  expect(pointers(await post({ url, secret: 'plain' }))).toEqual(['/secret']);
  expect(await post({ url, colour: 'red' })).toMatchObject({ status: 422 });
  const { id } = await wire.endpoint('/kept');
  expect(
    await wire.call('PATCH', `/v1/webhooks/${id}`, { body: { url: 'ftp://example.com' } }),
  ).toMatchObject({ status: 422 });
  expect(await wire.call('POST', `/v1/webhooks/${id}/rotate`, { body: { graceMs: -1 } })).toMatchObject({
    status: 422,
  });
  const callback = (query: string, secret?: string) =>
    wire.call('POST', `/v1/tasks/diag.noop?${query}`, {
      body: {},
      headers: secret ? { 'lovage-callback-secret': secret } : {},
    });
  expect(await callback(`callbackUrl=${encodeURIComponent('https://169.254.169.254/')}`)).toMatchObject({
    status: 422,
  });
  const unsigned = await callback(`callbackUrl=${encodeURIComponent(url)}`, 'whsec_x');
  expect([unsigned.status, pointers(unsigned)]).toEqual([422, ['lovage-callback-secret']]);
  expect(pointers(await callback('callbackUrl=ftp%3A%2F%2Fexample.com'))).toEqual(['callbackUrl']);
  expect(pointers(await callback('', 'whsec_x'))).toEqual(['callbackUrl']);
  expect(await wire.call('GET', '/v1/webhook-deliveries?taskId=x')).toMatchObject({ status: 422 });
  expect((await wire.call('GET', '/v1/webhooks')).body.items.map((webhook) => webhook.id)).toEqual([id]);
  await wire.remove(id);
});

test('a tenant knows nothing of another one’s webhooks, and only an admin changes them', async () => {
  const foreign = await wire.keyFor('foreign', ['admin'], 'other');
  const reader = await wire.keyFor('reader', ['read']);
  const { id } = await wire.endpoint('/mine');
  const { body: task } = await wire.call('POST', '/v1/tasks/diag.noop', { body: {} });
  const [delivery] = await wire.deliveries(task.id, 'delivered');
  const of = (path: string, method = 'GET') => ({ path, method });
  const calls = [
    of(`/v1/webhooks/${id}`),
    of(`/v1/webhooks/${id}`, 'DELETE'),
    of(`/v1/webhooks/${id}/rotate`, 'POST'),
    of(`/v1/webhooks/${id}/test`, 'POST'),
    of(`/v1/webhooks/${id}/deliveries`),
    of(`/v1/webhook-deliveries/${delivery?.id}`),
    of(`/v1/webhook-deliveries/${delivery?.id}/replay`, 'POST'),
    of('/v1/webhooks/not-an-id'),
  ];
  for (const { path, method } of calls)
    expect((await wire.call(method, path, { key: foreign })).status, path).toBe(404);
  for (const path of ['/v1/webhooks', '/v1/webhook-deliveries', `/v1/webhook-deliveries?taskId=${task.id}`]) {
    expect((await wire.call('GET', path, { key: foreign })).body.items).toEqual([]);
  }
  for (const { path, method } of calls.slice(0, 7)) {
    const { status } = await wire.call(method, path, { key: reader });
    expect(status, path).toBe(method === 'GET' ? 200 : 403);
  }
  const theirs = await wire.endpoint('/theirs', {}, foreign);
  const { body: next } = await wire.call('POST', '/v1/tasks/diag.noop', { body: {} });
  await wire.deliveries(next.id, 'delivered');
  expect(wire.receiver.on('/theirs')).toEqual([]);
  await wire.call('DELETE', `/v1/webhooks/${theirs.id}`, { key: foreign });
  await wire.remove(id);
});

test('tRPC has the same verbs', async () => {
  const { id } = await wire.endpoint('/trpc');
  const mutate = (name: string, body: unknown) => wire.call('POST', `/trpc/webhooks.${name}`, { body });
  const query = (name: string, input?: unknown) =>
    wire.call(
      'GET',
      `/trpc/webhooks.${name}${input ? `?input=${encodeURIComponent(JSON.stringify(input))}` : ''}`,
    );
  const made = (await mutate('create', { url: 'https://example.com/hook' })).body.result.data;
  expect((await query('list')).body.result.data.items.map((webhook) => webhook.id)).toEqual([id, made.id]);
  expect((await query('get', { id: made.id })).body.result.data).toMatchObject({
    url: 'https://example.com/hook',
  });
  expect((await mutate('update', { id: made.id, enabled: false })).body.result.data).toMatchObject({
    enabled: false,
  });
  expect((await mutate('test', { id: made.id })).status).toBe(409);
  expect((await mutate('rotate', { id: made.id, graceMs: 1 })).body.result.data.secret).not.toBe(made.secret);
  await mutate('remove', { id: made.id });
  const sent = (await mutate('test', { id })).body.result.data;
  await wire.receiver.whenReceived('/trpc');
  await until(
    () => query('delivery', { id: sent.id }),
    ({ body }) => (body.result.data as { state?: string }).state === 'delivered',
  );
  expect((await query('deliveries', { webhookId: id })).body.result.data.items).toHaveLength(1);
  expect((await mutate('replay', { id: sent.id })).body.result.data).toMatchObject({ outcome: 'queued' });
  await wire.receiver.whenReceived('/trpc', 2);
  await wire.remove(id);
  const callback = { url: `${wire.receiver.url}/trpc-callback` };
  await wire.call('POST', '/trpc/tasks.enqueue', { body: { name: 'diag.noop', input: {}, callback } });
  await wire.receiver.whenReceived('/trpc-callback');
});

test('Lovage’s own tasks are there for those who name them, and nobody else can make them', async () => {
  const { id } = await wire.endpoint('/own');
  const { body: sent } = await wire.call('POST', `/v1/webhooks/${id}/test`);
  await wire.receiver.whenReceived('/own');
  const namesOf = async (query: string) =>
    (await wire.call('GET', `/v1/tasks?limit=200${query}`)).body.items.map(({ name }) => name);
  expect(await namesOf('')).not.toContain('lovage.deliverWebhook');
  expect(await namesOf('&queue=lovage')).toContain('lovage.deliverWebhook');
  expect(await namesOf('&name=lovage.deliverWebhook')).toContain('lovage.deliverWebhook');
  expect((await wire.call('GET', `/v1/tasks/${sent.id}`)).status).toBe(200);
  expect((await wire.call('GET', '/v1/queues')).body.items.map(({ name }) => name)).not.toContain('lovage');
  expect((await wire.call('GET', '/v1/queues/lovage')).status).toBe(200);
  expect((await wire.call('POST', '/v1/tasks/lovage.deliverWebhook', { body: {} })).status).toBe(404);

  const own = defineTask({ ...noop, name: 'lovage.own', queue: 'own' });
  expect(() => defineConfig({ packs: [definePack({ name: 'own', tasks: [own] })] })).toThrow("Lovage's own");
  const onOwn = defineTask({ ...noop, name: 'mine.noop', queue: 'lovage' });
  expect(() => defineConfig({ packs: [definePack({ name: 'own', tasks: [onOwn] })] })).toThrow(
    "Lovage's own",
  );
  await wire.remove(id);
});
