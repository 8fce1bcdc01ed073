import { submits, type DialectRoute, type Rendered } from 'lovage';
import { z } from 'zod';
import { generateReport, generateReportInput } from '../tasks/generate-report.ts';
import { syncMetrics, syncMetricsInput } from '../tasks/sync-metrics.ts';
import { accepted, faults, revoked, taskStatus } from './answers.ts';
import { errorText } from './faults.ts';

/** Clients of old may send more than is read. */
export const reportBody = z.object(generateReportInput.shape);
const syncBody = z.object(syncMetricsInput.omit({ retry: true }).shape);

const accept =
  (what: string) =>
  ({ task, state }: Rendered) => ({
    status: 200,
    body: { task_id: task.id, status: state, message: `${what} started. Task ID: ${task.id}` },
  });

/** The paths of the design document are aliases; clients of both are about. */
export const taskRoutes: DialectRoute[] = [
  submits({
    method: 'post',
    path: '/tasks/reports/generate',
    aliases: ['/tasks/generate-report'],
    summary: 'Generate a report in the background',
    kind: 'submit',
    task: generateReport,
    body: reportBody,
    input: (body) => body as z.input<typeof generateReportInput>,
    answers: { 200: accepted, 422: faults },
    accepted: accept('Report generation'),
  }),
  submits({
    method: 'post',
    path: '/tasks/metrics/sync',
    aliases: ['/tasks/sync-metrics'],
    summary: 'Sync the metrics of the latest sprints in the background',
    kind: 'submit',
    task: syncMetrics,
    body: syncBody,
    input: (body) => body as z.input<typeof syncMetricsInput>,
    answers: { 200: accepted, 422: faults },
    accepted: accept('Metrics sync'),
  }),
  {
    method: 'get',
    path: '/tasks/status/{id}',
    aliases: ['/tasks/{id}'],
    summary: 'State and result of a task',
    kind: 'status',
    answers: { 200: taskStatus },
    reply: (view) => ({
      status: 200,
      body: {
        task_id: view.task.id,
        status: view.state,
        result: view.task.result,
        error: errorText(view),
        created_at: view.task.createdAt,
      },
    }),
  },
  ...(
    [
      { method: 'delete', path: '/tasks/{id}' },
      { method: 'post', path: '/tasks/{id}/revoke' },
    ] as const
  ).map(({ method, path }): DialectRoute => ({
    method,
    path,
    summary: 'Revoke a task that is not finished',
    kind: 'cancel',
    answers: { 200: revoked },
    reply: ({ task, state }, outcome) =>
      outcome === 'already_final'
        ? answerRevoke(task.id, state, `Task ${task.id} is ${state}: cannot revoke`)
        : answerRevoke(task.id, 'REVOKED', `Task ${task.id} was revoked`),
  })),
];

const answerRevoke = (id: string, status: string, message: string) => ({
  status: 200,
  body: { task_id: id, status, message },
});
