import { afterAll, beforeAll, expect, test } from 'vitest';
import { echo, noop } from '../../packs/diag/tasks.ts';
import { until } from '../lab.ts';
import { openReceiver, verify } from './receiver.ts';
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

const SECRET_OF_CALLER = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

/** A task whose end is told to a path of the receiver. */
const submit = async (name: string, input: unknown, path: string, secret?: string) =>
  (
    await wire.call('POST', `/v1/tasks/${name}?callbackUrl=${encodeURIComponent(wire.receiver.url + path)}`, {
      body: input,
      headers: secret ? { 'lovage-callback-secret': secret } : {},
    })
  ).body.id;
const eventsOf = async (id: string) => (await wire.lab.events(id)).filter(({ type }) => type === 'webhook');

test('an endpoint gets the task as the API shows it, in a message that Standard Webhooks verifies', async () => {
  const { id: webhook, secret } = await wire.endpoint('/all');
  const { id } = await wire.lab.enqueue(echo, { value: { a: [1, 'ä'] } }, { tags: ['x'] });
  const [message] = await wire.receiver.whenReceived('/all');

  expect(verify(message, secret)).toMatchObject({ type: 'task.succeeded', data: { id } });
  const { body: shown } = await wire.call('GET', `/v1/tasks/${id}?include=result`);
  expect(message?.body.data).toEqual(shown);
  expect(message?.headers).toMatchObject({
    'content-type': 'application/json',
    'user-agent': 'Lovage/test (webhooks)',
  });
  const [delivery] = await wire.deliveries(id, 'delivered');
  expect(delivery).toMatchObject({
    id: message?.headers['webhook-id'],
    webhookId: webhook,
    tries: 1,
    lastStatus: 204,
  });
  expect(await eventsOf(id)).toMatchObject([{ data: { outcome: 'delivered', status: 204, webhook } }]);
  // Its own task has ended too, and nobody is told of that.
  expect((await wire.call('GET', `/v1/webhooks/${webhook}/deliveries`)).body.items).toHaveLength(1);
  await wire.remove(webhook);
});

test('a failed task is shown with its error, and without its stack', async () => {
  const id = await submit('faults.failsWithCause', {}, '/failed');
  const [message] = await wire.receiver.whenReceived('/failed');
  const { body: shown } = await wire.call('GET', `/v1/tasks/${id}?include=result`);
  expect(message?.body).toMatchObject({
    data: { state: 'failed', error: { cause: { message: expect.any(String) } } },
  });
  expect(message?.body.data).toEqual(shown);
  expect(message?.text).not.toContain('stack');
});

test('a callback is signed with the secret of its caller, and without one it goes unsigned', async () => {
  await submit('diag.noop', {}, '/signed', SECRET_OF_CALLER);
  await submit('diag.noop', {}, '/unsigned');
  const [signed] = await wire.receiver.whenReceived('/signed');
  expect(verify(signed, SECRET_OF_CALLER)).toMatchObject({ type: 'task.succeeded' });
  const [unsigned] = await wire.receiver.whenReceived('/unsigned');
  expect(unsigned?.headers['webhook-signature']).toBeUndefined();
  const rows = await wire.lab.sql<{ secret: Buffer | null }>('SELECT secret FROM lovage.task_callback');
  expect(rows.filter(({ secret }) => secret).map(({ secret }) => secret?.toString('latin1'))).not.toContain(
    SECRET_OF_CALLER,
  );
});

test('a try that failed is made again with the same id and body, a new time, and a line for each in the history', async () => {
  wire.receiver.answers.set('/flaky', (response) => void response.writeHead(503).end());
  const id = await submit('diag.noop', {}, '/flaky', SECRET_OF_CALLER);
  const [waiting] = await wire.deliveries(id, 'pending');
  await until(
    () => wire.deliveries(id, 'pending'),
    ([delivery]) => delivery?.lastStatus === 503 && delivery.nextTryAt !== null,
  );
  wire.receiver.answers.delete('/flaky');
  // What waits for its next try is sent now.
  const replayed = await wire.call('POST', `/v1/webhook-deliveries/${waiting?.id}/replay`);
  expect(replayed).toMatchObject({ status: 202, body: { outcome: 'queued' } });
  const [first, second] = await wire.receiver.whenReceived('/flaky', 2);
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  expect(second?.text).toBe(first?.text);
  for (const message of [first, second]) verify(message, SECRET_OF_CALLER);
  await wire.deliveries(id, 'delivered');

  const { body: delivery } = await wire.call('GET', `/v1/webhook-deliveries/${waiting?.id}`);
  expect(delivery).toMatchObject({ tries: 2, lastStatus: 204, payload: JSON.parse(first?.text ?? '') });
  expect(delivery.attempts).toMatchObject([
    { attempt: 1, outcome: 'retrying', error: { code: 'http_503' } },
    { attempt: 2, outcome: 'succeeded' },
  ]);
  expect(await eventsOf(id)).toMatchObject([{ data: { outcome: 'delivered', tries: 2 } }]);
});

test('what has arrived can be sent once more under its own id', async () => {
  const id = await submit('diag.noop', {}, '/again');
  const [delivery] = await wire.deliveries(id, 'delivered');
  const replayed = await wire.call('POST', `/v1/webhook-deliveries/${delivery?.id}/replay`);
  expect(replayed).toMatchObject({ status: 202, body: { outcome: 'queued', state: 'pending' } });
  const [first, second] = await wire.receiver.whenReceived('/again', 2);
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  await wire.deliveries(id, 'delivered');
  await until(
    () => eventsOf(id),
    (events) => events.length === 2,
  );
});

test('a receiver says when to come again, or never', async () => {
  wire.receiver.answers.set(
    '/later',
    (response) => void response.writeHead(429, { 'retry-after': '3600' }).end(),
  );
  wire.receiver.answers.set('/gone', (response) => void response.writeHead(410).end());
  const { id: gone } = await wire.endpoint('/gone');
  const id = await submit('diag.noop', {}, '/later');
  const [later] = await until(
    async () => (await wire.call('GET', `/v1/webhook-deliveries?taskId=${id}&state=pending`)).body.items,
    ([delivery]) => delivery?.lastStatus === 429 && delivery.nextTryAt !== null,
  );
  const waitMs = Date.parse(later?.nextTryAt ?? '') - Date.now();
  expect(waitMs).toBeGreaterThan(3_500_000);

  const { body: webhook } = await until(
    () => wire.call('GET', `/v1/webhooks/${gone}`),
    ({ body }) => !body.enabled,
  );
  expect(webhook.disabledReason).toBe('the receiver answered 410 Gone');
  const { body: failed } = await until(
    () => wire.call('GET', `/v1/webhooks/${gone}/deliveries`),
    ({ body }) => body.items[0]?.state === 'failed',
  );
  expect((await wire.call('POST', `/v1/webhook-deliveries/${failed.items[0]?.id}/replay`)).status).toBe(409);
  const before = wire.receiver.on('/gone').length;
  await submit('diag.noop', {}, '/after-gone');
  await wire.receiver.whenReceived('/after-gone');
  expect(wire.receiver.on('/gone')).toHaveLength(before);
  await wire.remove(gone);
});

test('an endpoint that took nothing for days is disabled when a message to it is given up', async () => {
  wire.receiver.answers.set('/dead', (response) => void response.writeHead(500).end());
  const { id: dead } = await wire.endpoint('/dead');
  const { id } = await wire.lab.enqueue(noop, {});
  const [delivery] = await until(
    () => wire.deliveries(id, 'pending'),
    ([one]) => one?.nextTryAt !== null && one?.tries === 1,
  );
  expect((await wire.call('GET', `/v1/webhooks/${dead}`)).body.enabled).toBe(true);
  // Its last try, three days later.
  await wire.lab.sql('UPDATE lovage.task SET failures = 9 WHERE id = $1', [delivery?.id]);
  await wire.lab.sql(
    "UPDATE lovage.webhook_delivery SET created_at = now() - interval '3 days' WHERE id = $1",
    [delivery?.id],
  );
  await wire.lab.sql('UPDATE pgboss.job SET start_after = now() WHERE id = $1', [delivery?.id]);
  await wire.lab.sql("SELECT pg_notify('lovage_ready', 'lovage')");
  await wire.deliveries(id, 'failed');
  expect(await eventsOf(id)).toMatchObject([{ data: { outcome: 'failed', status: 500, tries: 2 } }]);
  const { body: webhook } = await wire.call('GET', `/v1/webhooks/${dead}`);
  expect(webhook).toMatchObject({
    enabled: false,
    disabledReason: expect.stringContaining('it took no delivery since'),
  });
  const { body: enabled } = await wire.call('PATCH', `/v1/webhooks/${dead}`, { body: { enabled: true } });
  expect(enabled).toMatchObject({ enabled: true, disabledReason: null });
  await wire.remove(dead);
});

test('redirects are not followed', async () => {
  wire.receiver.answers.set(
    '/moved',
    (response) => void response.writeHead(307, { location: `${wire.receiver.url}/inside` }).end(),
  );
  const id = await submit('diag.noop', {}, '/moved');
  await until(
    () => wire.deliveries(id, 'pending'),
    ([delivery]) => delivery?.lastStatus === 307,
  );
  expect((await wire.deliveries(id, 'pending'))[0]?.lastError).toBe(
    'the receiver answered 307: redirects are not followed',
  );
  expect(wire.receiver.on('/inside')).toEqual([]);
});

test('receivers that hang or never stop talking hold up no other', async () => {
  await using other = await openReceiver();
  let open = 0;
  let most = 0;
  wire.receiver.answers.set('/hangs', (response) => {
    most = Math.max(most, (open += 1));
    response.on('close', () => (open -= 1));
  });
  wire.receiver.answers.set('/talks', (response) => {
    response.writeHead(200);
    const talk = setInterval(() => response.write('x'.repeat(32_768)), 5);
    response.on('close', () => clearInterval(talk));
  });
  for (let each = 0; each < 8; each += 1) await submit('diag.noop', {}, '/hangs');
  const hanging = await submit('diag.noop', {}, '/hangs');
  const talking = await submit('diag.noop', {}, '/talks');
  await wire.deliveries(talking, 'delivered');
  const { body: accepted } = await wire.call(
    'POST',
    `/v1/tasks/diag.noop?callbackUrl=${encodeURIComponent(`${other.url}/other`)}`,
    { body: {} },
  );
  await wire.deliveries(accepted.id, 'delivered');
  expect((await wire.call('GET', `/v1/webhook-deliveries?taskId=${hanging}`)).body.items[0]?.state).toBe(
    'pending',
  );
  const { body } = await until(
    () => wire.call('GET', `/v1/webhook-deliveries?taskId=${hanging}`),
    ({ body: { items } }) => items[0]?.lastError !== null,
  );
  expect(most).toBeLessThanOrEqual(5);
  expect(body.items[0]).toMatchObject({ lastStatus: null, lastError: 'no answer within 1000 ms' });
});

test('a result over 256 KiB is left to its address', async () => {
  const id = await submit('diag.echo', { value: 'x'.repeat(300_000) }, '/large');
  const [message] = await wire.receiver.whenReceived('/large');
  expect(message?.body.data).toMatchObject({
    id,
    result: null,
    resultTruncated: true,
    statusUrl: `/v1/tasks/${id}`,
  });
});

test('an end that is rolled back is told to nobody', async () => {
  const { id: webhook } = await wire.endpoint('/rolled-back');
  const { id } = await wire.lab.enqueue(noop, {}, { delayMs: 60_000 });
  const client = await wire.lab.lovage.pool.connect();
  await client.query('BEGIN');
  await client.query('SELECT lovage.cancel($1)', [id]);
  await client.query('SET CONSTRAINTS ALL IMMEDIATE');
  const { rows } = await client.query('SELECT FROM lovage.webhook_delivery WHERE task_id = $1', [id]);
  expect(rows).toHaveLength(1);
  await client.query('ROLLBACK');
  client.release();
  expect(await wire.lab.sql('SELECT FROM lovage.webhook_delivery WHERE task_id = $1', [id])).toEqual([]);
  await wire.lab.sql('SELECT lovage.cancel($1)', [id]);
  const [message] = await wire.receiver.whenReceived('/rolled-back');
  expect(message?.body.type).toBe('task.cancelled');
  await wire.remove(webhook);
});

test('a batch that has ended is told once, with its counts', async () => {
  const { id: webhook, secret } = await wire.endpoint('/batches', { events: ['batch.finished'] });
  const [batch] = await wire.lab.sql<{ id: string }>(
    `INSERT INTO lovage.batch (id, tenant, size, callback, finished_at)
     VALUES (lovage.uuid_v7(), 'default', 2, $1, now()) RETURNING id`,
    [{ url: `${wire.receiver.url}/batch-callback` }],
  );
  await wire.lab.sql(
    "INSERT INTO lovage.task (id, name, queue, state, batch_id, events, finished_at) VALUES (lovage.uuid_v7(), 'diag.noop', 'diag', 'succeeded', $1, 0, now())",
    [batch?.id],
  );
  await wire.lab.sql('SELECT lovage.batch_finished(ARRAY[$1::uuid])', [batch?.id]);
  const [message] = await wire.receiver.whenReceived('/batches');
  expect(verify(message, secret)).toMatchObject({
    type: 'batch.finished',
    data: { id: batch?.id, counts: { succeeded: 1, failed: 0 } },
  });
  await wire.receiver.whenReceived('/batch-callback');
  const { body } = await wire.call('GET', `/v1/webhook-deliveries?batchId=${batch?.id}`);
  expect(new Set(body.items.map(({ webhookId }) => webhookId))).toEqual(new Set([webhook, null]));
  expect(body.items).toHaveLength(2);
  await wire.lab.sql('DELETE FROM lovage.task WHERE batch_id = $1', [batch?.id]);
  await wire.remove(webhook);
});
