import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { until } from '../lab.ts';
import { verify } from '../wire/receiver.ts';
import { openWebhookLab, SECRET, type WebhookLab } from '../wire/webhook-lab.ts';
import { kill, startWorkerProcess, type WorkerProcess } from '../worker/processes.ts';

let wire: WebhookLab;
let holder: pg.Client;
let worker: WorkerProcess;
const start = async () => {
  worker = await startWorkerProcess(wire.lab, [], {
    LOVAGE_SECRET: SECRET,
    LOVAGE_WEBHOOK_ALLOW: '127.0.0.1/32',
    LOVAGE_DRAIN_MS: '200',
  });
};
beforeAll(async () => {
  wire = await openWebhookLab();
  holder = new pg.Client({ connectionString: wire.lab.url });
  await holder.connect();
  await start();
});
let endpoint: { id: string; secret: string };
beforeEach(async () => {
  wire.receiver.received.length = 0;
  endpoint = await wire.endpoint('/told');
});
afterEach(async () => {
  wire.receiver.answers.clear();
  await wire.remove(endpoint.id);
});
afterAll(async () => {
  await holder.end();
  await wire[Symbol.asyncDispose]();
});

const submit = async () => (await wire.call('POST', '/v1/tasks/diag.noop', { body: {} })).body.id;
const deliveriesOf = (task: string) =>
  wire.lab.sql<{ id: string }>('SELECT id FROM lovage.webhook_delivery WHERE task_id = $1', [task]);

/** All that came is one message, the same each time, and the history says once that it arrived. */
async function expectOneMessage(task: string, count: number): Promise<void> {
  const [delivery] = await wire.deliveries(task, 'delivered');
  const messages = wire.receiver.on('/told');
  expect(messages).toHaveLength(count);
  for (const message of messages) {
    verify(message, endpoint.secret);
    expect(message.headers['webhook-id']).toBe(delivery?.id);
    expect(message.text).toBe(messages[0]?.text);
  }
  expect((await wire.lab.eventTypes(task)).filter((type) => type === 'webhook')).toHaveLength(1);
  expect(await wire.lab.violations()).toEqual([]);
}

const whenHeld = () =>
  until(
    () =>
      wire.lab.sql(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name LIKE 'lovage%'",
      ),
    (held) => held.length > 0,
  );

test('a worker killed between the end of a task and its message: another one sends it', async () => {
  await wire.lab.sql("SELECT lovage.pause('lovage', 'so that nothing is sent')");
  const task = await submit();
  await wire.deliveries(task, 'pending');
  await kill(worker);
  expect(wire.receiver.received).toEqual([]);
  await wire.lab.sql("SELECT lovage.resume('lovage')");
  await start();
  await expectOneMessage(task, 1);
});

test('a worker killed while the receiver thinks: the message comes again, the same', async () => {
  wire.receiver.answers.set('/told', () => undefined);
  const task = await submit();
  await wire.receiver.whenReceived('/told');
  await kill(worker);
  wire.receiver.answers.clear();
  await start();
  await expectOneMessage(task, 2);
  const [delivery] = await deliveriesOf(task);
  expect(await wire.lab.eventTypes(delivery?.id ?? '')).toEqual([
    'queued',
    'started',
    'rescued',
    'started',
    'succeeded',
  ]);
});

test('a worker killed before it has written down that the message arrived: it comes again, the same', async () => {
  wire.receiver.answers.set('/told', (response) => {
    void holder
      .query('BEGIN')
      .then(() => holder.query('SELECT FROM lovage.webhook_delivery FOR UPDATE'))
      .then(() => response.writeHead(200).end());
  });
  const task = await submit();
  await whenHeld();
  await kill(worker);
  wire.receiver.answers.clear();
  // The server may still do what the dead worker asked for; then one message was enough.
  await wire.lab.sql(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
  );
  await holder.query('ROLLBACK');
  await start();
  await expectOneMessage(task, 2);
});

test('a worker killed while it settles: the task has ended and its message is there, or neither', async () => {
  await holder.query('BEGIN');
  await holder.query('LOCK TABLE lovage.webhook_delivery IN EXCLUSIVE MODE');
  const task = await submit();
  await whenHeld();
  await kill(worker);
  await wire.lab.sql(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
  );
  await holder.query('ROLLBACK');
  expect(await wire.lab.get(task)).toMatchObject({ state: 'running' });
  expect(await deliveriesOf(task)).toEqual([]);
  await start();
  await expectOneMessage(task, 1);
});

test('a worker that is told to end does not wait for a receiver that hangs, and the try costs nothing', async () => {
  wire.receiver.answers.set('/told', () => undefined);
  const task = await submit();
  await wire.receiver.whenReceived('/told');
  worker.child.kill('SIGTERM');
  expect(await worker.exited).toBe(0);
  const [delivery] = await deliveriesOf(task);
  expect(await wire.lab.sql('SELECT state, failures FROM lovage.task WHERE id = $1', [delivery?.id])).toEqual(
    [{ state: 'queued', failures: 0 }],
  );
  wire.receiver.answers.clear();
  await start();
  await expectOneMessage(task, 2);
});
