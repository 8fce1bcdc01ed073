import { resource, submits, type DialectRoute } from 'lovage';
import { z } from 'zod';
import { deleteSnapshot, listSnapshots, readSnapshots, type Snapshot } from '../store/snapshots.ts';
import { sprintCount, syncMetrics, teamId } from '../tasks/sync-metrics.ts';
import { accepted, deletedSprint, detail, faults, snapshot } from './answers.ts';
import { notFound, refused } from './faults.ts';

const whole = z.coerce.number().pipe(sprintCount);
const fetchQuery = z.object({ count: whole.default(5), team_id: teamId.optional() });

export const metricsRoutes: DialectRoute[] = [
  submits({
    method: 'post',
    path: '/metrics/fetch',
    summary: 'Fetch the metrics of the latest sprints anew, and wait for them',
    kind: 'submit',
    task: syncMetrics,
    sync: 'always',
    body: null,
    query: fetchQuery,
    input(_body, query) {
      const { count, team_id } = query as z.output<typeof fetchQuery>;
      return { sprint_count: count, team_id: team_id ?? null, force_refresh: true, retry: false };
    },
    answers: { 200: z.array(snapshot), 202: accepted, 422: faults, 502: detail },
    accepted: ({ task, state }) => ({
      status: 202,
      body: { task_id: task.id, status: state, message: `Still being fetched. Task ID: ${task.id}` },
    }),
    async finished(view) {
      if (view.task.state !== 'succeeded') return refused(view);
      const rows = await readSnapshots(view.db, view.tenant, view.task.result?.sprint_ids ?? []);
      return { status: 200, body: rows.map(showSnapshot) };
    },
  }),
  resource({
    method: 'get',
    path: '/metrics',
    summary: 'Sprints that are stored, the latest first',
    kind: 'resource',
    query: z.object({
      limit: z.coerce.number().int().min(1).max(500).default(100),
      offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
    }),
    answers: { 200: z.array(snapshot), 422: faults },
    reply: async ({ db, tenant, query }) => ({
      status: 200,
      body: (await listSnapshots(db, tenant, query)).map(showSnapshot),
    }),
  }),
  {
    method: 'get',
    path: '/metrics/{sprint_id}',
    summary: 'One sprint by its id',
    kind: 'resource',
    answers: { 200: snapshot, 404: detail },
    async reply({ db, tenant, params }) {
      const [row] = await readSnapshots(db, tenant, [params['sprint_id'] ?? '']);
      return row ? { status: 200, body: showSnapshot(row) } : notFound('Sprint');
    },
  },
  {
    method: 'delete',
    path: '/metrics/{sprint_id}',
    summary: 'Delete what is stored of a sprint',
    kind: 'resource',
    answers: { 200: deletedSprint, 404: detail },
    async reply({ db, tenant, params }) {
      const id = params['sprint_id'] ?? '';
      const isGone = await deleteSnapshot(db, tenant, id);
      return isGone ? { status: 200, body: { status: 'deleted', sprint_id: id } } : notFound('Sprint');
    },
  },
];

const showSnapshot = (row: Snapshot) => ({
  id: row.id,
  sprint_id: row.sprintId,
  sprint_name: row.sprintName,
  start_date: row.startDate,
  end_date: row.endDate,
  metrics_data: row.metricsData,
  fetched_at: row.fetchedAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
});
