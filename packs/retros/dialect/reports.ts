import { resource, submits, type DialectRoute } from 'lovage';
import { z } from 'zod';
import { deleteReport, listReports, readReport, type StoredReport } from '../store/reports.ts';
import { generateReport, type generateReportInput } from '../tasks/generate-report.ts';
import { accepted, deletedReport, detail, faults, fullReport, reportItem } from './answers.ts';
import { notFound, refused } from './faults.ts';
import { reportBody } from './tasks.ts';

export const reportRoutes: DialectRoute[] = [
  submits({
    method: 'post',
    path: '/reports/generate',
    summary: 'Generate a report and wait for it',
    kind: 'submit',
    task: generateReport,
    sync: 'always',
    body: reportBody,
    input: (body) => body as z.input<typeof generateReportInput>,
    answers: { 200: fullReport, 202: accepted, 400: detail, 422: faults },
    accepted: ({ task, state }) => ({
      status: 202,
      body: { task_id: task.id, status: state, message: `Still being generated. Task ID: ${task.id}` },
    }),
    async finished(view) {
      const report = await readReport(view.db, view.tenant, view.task.result?.report_id ?? view.task.id);
      return view.task.state === 'succeeded' && report
        ? { status: 200, body: showReport(report) }
        : refused(view);
    },
  }),
  resource({
    method: 'get',
    path: '/reports',
    summary: 'Reports, the latest first',
    kind: 'resource',
    query: z.object({
      limit: z.coerce.number().int().min(1).max(50).default(10),
      offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
    }),
    answers: { 200: z.array(reportItem), 422: faults },
    reply: async ({ db, tenant, query }) => ({
      status: 200,
      body: (await listReports(db, tenant, query)).map(showItem),
    }),
  }),
  {
    method: 'get',
    path: '/reports/{report_id}',
    summary: 'One report, whole',
    kind: 'resource',
    answers: { 200: fullReport, 404: detail },
    async reply({ db, tenant, params }) {
      const id = reportId(params);
      const report = id === null ? null : await readReport(db, tenant, id);
      return report ? { status: 200, body: showReport(report) } : notFound('Report');
    },
  },
  {
    method: 'delete',
    path: '/reports/{report_id}',
    summary: 'Delete a report with its hypotheses and experiments',
    kind: 'resource',
    scope: 'enqueue',
    answers: { 200: deletedReport, 404: detail },
    async reply({ db, tenant, params }) {
      const id = reportId(params);
      const isGone = id !== null && (await deleteReport(db, tenant, id));
      return isGone ? { status: 200, body: { status: 'deleted', report_id: id } } : notFound('Report');
    },
  },
];

/** What is no id names no report. */
const reportId = (params: Record<string, string>): string | null =>
  z.uuid().safeParse(params['report_id']).data ?? null;

const showItem = (row: Omit<StoredReport, 'reportData'>) => ({
  id: row.id,
  report_date: row.reportDate.toISOString(),
  headline: row.headline,
  summary: row.summary,
  sprint_ids: row.sprintIds,
  created_at: row.createdAt.toISOString(),
});

const showReport = (row: StoredReport) => ({ ...showItem(row), ...row.reportData });
