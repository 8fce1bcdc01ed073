import { submits, type Dialect, type Rendered } from 'lovage';
import { analyze } from './analyze.ts';

const version = '1.0.0';

/** The HTTP contract of the system that these filings ran on before, path by path and field by field. */
export const dialect: Dialect = {
  prefix: '/filings',
  keyHeader: 'x-api-key',
  states: {
    queued: 'PENDING',
    scheduled: 'PENDING',
    running: 'PROGRESS',
    waiting: 'PROGRESS',
    retrying: 'RETRY',
    succeeded: 'SUCCESS',
    failed: 'FAILURE',
    cancelled: 'REVOKED',
    expired: 'REVOKED',
  },
  error: ({ status, code, message, faults }) => {
    if (code === 'validation') return { status, body: { detail: faults.map(asValidationError) } };
    if (code === 'rate-limited') return { status, body: { error: `Rate limit exceeded: ${message}` } };
    if (code === 'queue-unavailable')
      return { status, body: { detail: 'Task queue service unavailable, try again later' } };
    return { status, body: { detail: message } };
  },
  routes: [
    submits({
      method: 'post',
      path: '/analyze',
      summary: 'Analyse the risk factors of a 10-K',
      kind: 'submit',
      task: analyze,
      sync: { parameter: 'async_mode', value: 'false', defaultVariable: 'FILINGS_DEFAULT_SYNC' },
      accepted: ({ task, link }) => ({
        status: 202,
        body: { task_id: task.id, status_url: link(`/tasks/${task.id}`), message: 'Analysis accepted' },
      }),
      finished: (view) => {
        if (view.task.state === 'succeeded') return { status: 200, body: view.task.result };
        const isBadFiling = view.task.error?.code === 'IntegrationError';
        return {
          status: isBadFiling ? 400 : 500,
          body: { detail: errorText(view) ?? `The analysis was ${view.state}` },
        };
      },
    }),
    {
      method: 'get',
      path: '/tasks/{id}',
      summary: 'Status, progress and result of an analysis',
      kind: 'status',
      reply: (view) => ({
        status: 200,
        body: {
          task_id: view.task.id,
          status: view.state,
          progress: view.task.progress && {
            current: view.task.progress.current,
            total: view.task.progress.total,
            status: view.task.progress.message,
          },
          result: view.task.result,
          error: errorText(view),
        },
      }),
    },
    {
      method: 'get',
      path: '/health',
      summary: 'Health of the service',
      kind: 'static',
      reply: () => ({ status: 200, body: { status: 'healthy', version } }),
    },
    {
      method: 'get',
      path: '/ready',
      summary: 'Whether tasks are taken; the names of the old parts are kept',
      kind: 'static',
      reply: ({ ready }) => ({
        status: ready ? 200 : 503,
        body: { status: ready ? 'ready' : 'not_ready', redis: ready, chromadb: ready },
      }),
    },
    {
      method: 'get',
      path: '/live',
      summary: 'Whether the process lives',
      kind: 'static',
      reply: () => ({ status: 200, body: { status: 'alive' } }),
    },
  ],
};

/** Pointers name a place in the body, bare names a query parameter. */
function asValidationError({ pointer, detail }: { pointer: string; detail: string }) {
  const isBody = pointer === '' || pointer.startsWith('/');
  const loc = isBody ? ['body', ...pointer.split('/').slice(1)] : ['query', pointer];
  return { loc, msg: detail, type: 'value_error' };
}

/** Errors are a string here. */
function errorText({ task }: Rendered): string | null {
  return task.error && task.state !== 'succeeded' ? task.error.message : null;
}
