import type { Client } from 'openapi-fetch';
import type { paths } from './schema.d.ts';

const UNKNOWN = '0197b6f0-0000-7000-8000-000000000000';

/** What operators do: schedules, keys, webhooks, the audit. */
export async function operate(client: Client<paths>) {
  return {
    schedule: await schedules(client),
    ...(await keys(client)),
    webhook: await webhooks(client),
    batch: await batches(client),
    stream: await streams(client),
    shared: await shared(client),
  };
}

async function schedules(client: Client<paths>) {
  const path = { name: 'nightly' };
  const put = await client.PUT('/v1/schedules/{name}', {
    params: { path },
    body: { task: 'diag.noop', input: {}, cron: '0 3 * * *', timeZone: 'Europe/Zurich' },
  });
  await client.GET('/v1/schedules');
  await client.GET('/v1/schedules/{name}', { params: { path } });
  await client.POST('/v1/schedules/{name}/pause', { params: { path } });
  const resumed = await client.POST('/v1/schedules/{name}/resume', { params: { path } });
  const started = await client.POST('/v1/schedules/{name}/run', { params: { path } });
  await client.GET('/v1/schedules/{name}/runs', { params: { path, query: { limit: 10 } } });
  await client.GET('/v1/schedules/{name}/preview', { params: { path, query: { n: 2 } } });
  const preview = await client.POST('/v1/schedules:preview', { body: { rrule: 'FREQ=DAILY', n: 3 } });
  await client.DELETE('/v1/schedules/{name}', { params: { path } });
  const gone = await client.GET('/v1/schedules/{name}', { params: { path } });
  return [
    resumed.data?.state ?? put.error?.detail,
    started.data?.tags[0],
    preview.data?.items.length,
    `ended:${gone.error?.status}`,
  ];
}

async function keys(client: Client<paths>) {
  const made = await client.POST('/v1/keys', { body: { name: 'generated', scopes: ['read'] } });
  const path = { id: made.data?.id ?? UNKNOWN };
  await client.GET('/v1/keys', { params: { query: { limit: 5 } } });
  await client.GET('/v1/keys/{id}', { params: { path } });
  const changed = await client.PATCH('/v1/keys/{id}', {
    params: { path },
    body: { rate: { limit: 30, periodMs: 60_000 } },
  });
  const rotated = await client.POST('/v1/keys/{id}/rotate', { params: { path }, body: { graceMs: 0 } });
  const successor = { id: rotated.data?.id ?? UNKNOWN };
  const revoked = await client.DELETE('/v1/keys/{id}', { params: { path: successor } });
  const audit = await client.GET('/v1/audit', { params: { query: { action: 'keys.revoke' } } });
  return {
    key: [changed.data?.name, changed.data?.rate?.limit, revoked.data?.outcome],
    audited: audit.data?.items[0]?.action,
  };
}

async function webhooks(client: Client<paths>) {
  const made = await client.POST('/v1/webhooks', {
    body: { url: 'https://hooks.example.com/lovage', events: ['batch.finished'] },
  });
  const path = { id: made.data?.id ?? UNKNOWN };
  const none = { id: UNKNOWN };
  await client.GET('/v1/webhooks');
  await client.GET('/v1/webhooks/{id}', { params: { path } });
  const changed = await client.PATCH('/v1/webhooks/{id}', { params: { path }, body: { enabled: false } });
  await client.POST('/v1/webhooks/{id}/rotate', { params: { path }, body: {} });
  await client.GET('/v1/webhooks/{id}/deliveries', { params: { path, query: { state: 'failed' } } });
  await client.DELETE('/v1/webhooks/{id}', { params: { path } });
  // Sends nothing anywhere.
  const missing = await client.POST('/v1/webhooks/{id}/test', { params: { path: none } });
  await client.GET('/v1/webhook-deliveries', { params: { query: { limit: 1 } } });
  await client.GET('/v1/webhook-deliveries/{id}', { params: { path: none } });
  await client.POST('/v1/webhook-deliveries/{id}/replay', { params: { path: none } });
  return [made.data?.secret.slice(0, 6), changed.data?.enabled, missing.error?.type];
}

async function shared(client: Client<paths>) {
  const path = { name: 'old' };
  const limited = await client.POST('/v1/queues/{name}/limit', {
    params: { path },
    body: { concurrency: 7, rate: { limit: 100, periodMs: 1000 } },
  });
  const free = await client.POST('/v1/queues/{name}/limit', {
    params: { path },
    body: { asConfigured: true },
  });
  await client.GET('/v1/stats');
  // Tells nobody to end.
  const worker = await client.GET('/v1/workers/{id}', { params: { path: { id: UNKNOWN } } });
  const drained = await client.POST('/v1/workers/{id}/drain', { params: { path: { id: UNKNOWN } } });
  return [
    limited.data?.limits.concurrency,
    free.data?.limitsSetBy,
    worker.error?.status,
    drained.error?.status,
  ];
}

async function batches(client: Client<paths>) {
  const { data } = await client.POST('/v1/tasks:batch', {
    body: {
      label: 'generated',
      tasks: [
        { name: 'diag.noop', input: {} },
        { name: 'old.analyze', input: { ticker: 'ACME', year: 2024 } },
      ],
    },
  });
  const path = { id: data?.id ?? UNKNOWN };
  await client.GET('/v1/batches');
  const finished = await client.GET('/v1/batches/{id}', { params: { path, query: { wait: 20 } } });
  const tasks = await client.GET('/v1/batches/{id}/tasks', {
    params: { path, query: { include: ['result'] } },
  });
  const cancelled = await client.POST('/v1/batches/{id}/cancel', { params: { path } });
  return [finished.data?.counts.succeeded, tasks.data?.items.length, cancelled.data?.outcome];
}

async function streams(client: Client<paths>) {
  const { data } = await client.POST('/v1/tasks/diag.noop', { params: { query: { wait: 20 } }, body: {} });
  const path = { id: data?.id ?? UNKNOWN };
  const one = await client.GET('/v1/tasks/{id}/stream', { params: { path }, parseAs: 'text' });
  const ticket = await client.POST('/v1/stream-tickets');
  const many = await client.GET('/v1/stream', {
    params: { query: { name: 'diag.noop', ticket: ticket.data?.ticket } },
    parseAs: 'stream',
  });
  await many.data?.cancel();
  return [one.data?.includes('event: succeeded'), many.response.status];
}
