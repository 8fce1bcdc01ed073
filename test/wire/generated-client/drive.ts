import createClient from 'openapi-fetch';
import { operate } from './operate.ts';
import type { components, paths } from './schema.d.ts';

type TaskState = components['schemas']['Task']['state'];
/** The compiler refuses `unknown` and `any` where a type is named. */
const typed = <Type>(value: Type): Type => value;

/** What somebody writes who has but the document: every operation of it once. Returns what the last ones said. */
export async function drive(baseUrl: string, apiKey: string, fetch: typeof globalThis.fetch) {
  const client = createClient<paths>({ baseUrl, fetch, headers: { Authorization: `Bearer ${apiKey}` } });

  await client.GET('/healthz');
  await client.GET('/readyz');
  await client.GET('/metrics', { parseAs: 'text' });

  // Start, wait, look.
  const started = await client.POST('/v1/tasks/old.analyze', {
    params: { query: { async: false, priority: 5, tags: ['generated'] } },
    body: { ticker: 'ACME', year: 2024 },
  });
  if (started.error) throw new Error(started.error.detail);
  const risks = typed<string[] | undefined>(started.data.result?.risks);
  typed<'old.analyze'>(started.data.name);
  typed<number | undefined>(started.data.input?.year);
  typed<TaskState>(started.data.state);

  const unknown = await client.POST('/v1/tasks/{id}', { params: { path: { id: 'no.such' } }, body: {} });
  const accepted = await client.POST('/v1/tasks/diag.sleep', {
    params: { header: { Prefer: 'wait=1', 'X-Request-ID': 'generated-1' } },
    body: { ms: 60_000 },
  });
  const id = accepted.data?.id ?? '';
  const path = { id };
  const requestId = accepted.response.headers.get('x-request-id');

  const shown = await client.GET('/v1/tasks/{id}', { params: { path, query: { include: ['input'] } } });
  const etag = shown.response.headers.get('etag') ?? '';
  const unchanged = await client.GET('/v1/tasks/{id}', {
    params: { path, query: { include: ['input'] }, header: { 'If-None-Match': etag } },
  });
  await client.GET('/v1/tasks/{id}/explain', { params: { path } });
  const events = await client.GET('/v1/tasks/{id}/events', { params: { path, query: { limit: 1 } } });
  typed<number | undefined>(events.data?.items[0]?.number);
  await client.GET('/v1/tasks/{id}/attempts', { params: { path } });
  const done = { id: started.data.id };
  const result = await client.GET('/v1/tasks/{id}/result', { params: { path: done } });

  const list = await client.GET('/v1/tasks', {
    params: { query: { state: ['succeeded'], tag: 'generated', include: ['result'] } },
  });

  // Stop, run again, remove.
  const cancelled = await client.POST('/v1/tasks/{id}/cancel', {
    params: { path },
    body: { reason: 'seen' },
  });
  typed<'cancelled' | 'requested' | 'already_final' | undefined>(cancelled.data?.outcome);
  const cancelledFinally = await client.GET('/v1/tasks/{id}', { params: { path, query: { wait: 20 } } });
  const retried = await client.POST('/v1/tasks/{id}/retry', { params: { path: done } });
  await client.POST('/v1/tasks:cancel', { body: { tag: 'nobody' } });
  await client.POST('/v1/tasks:retry', { body: { tag: 'nobody', state: ['failed'] } });
  const removed = await client.DELETE('/v1/tasks/{id}', { params: { path } });

  // Operate.
  const queue = { name: 'diag' };
  await client.GET('/v1/queues');
  await client.POST('/v1/queues/{name}/pause', { params: { path: queue }, body: { reason: 'lunch' } });
  const paused = await client.GET('/v1/queues/{name}', { params: { path: queue } });
  await client.POST('/v1/queues/{name}/resume', { params: { path: queue } });
  await client.GET('/v1/archive/plan');
  const workers = await client.GET('/v1/workers', { params: { query: { state: ['live'] } } });

  const operated = await operate(client);

  // Errors are typed by what the route documents.
  const missing = await client.GET('/v1/tasks/{id}', { params: { path } });
  typed<string | undefined>(missing.error?.type);
  const faulty = await client.POST('/v1/tasks/old.analyze', {
    // @ts-expect-error the year is missing, and the compiler knows it.
    body: { ticker: 'ACME' },
  });

  return {
    ...operated,
    risks,
    requestId,
    unknown: unknown.error?.type,
    acceptedState: typed<TaskState>(accepted.data?.state ?? 'queued'),
    unchanged: unchanged.response.status,
    result: result.data,
    listed: list.data?.items.map((task) => task.id),
    cancelled: cancelledFinally.data?.state,
    retried: retried.data?.outcome,
    removed: removed.response.status,
    pausedBecause: paused.data?.paused?.reason,
    workers: workers.data?.items.map((worker) => worker.state),
    missing: missing.error?.type,
    faults: faulty.error && 'errors' in faulty.error ? faulty.error.errors : undefined,
  };
}
