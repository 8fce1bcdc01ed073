import { makeRecord } from './make-sprint.ts';

/** Five sprints; in the last of them reviews took long. */
export const SPRINTS = [10, 10, 11, 10, 18].map((review_time, at) => makeRecord(at + 1, { review_time }));

/** Path, body, and where the fault is. */
export const REFUSED: [path: string, body: Record<string, unknown>, loc: (string | number)[]][] = [
  ['/tasks/reports/generate', { sprint_count: 1 }, ['body', 'sprint_count']],
  ['/tasks/reports/generate', { sprint_count: 21 }, ['body', 'sprint_count']],
  ['/tasks/reports/generate', { sprint_ids: 's-1' }, ['body', 'sprint_ids']],
  ['/tasks/reports/generate', { focus_metrics: ['velocity', 'speed'] }, ['body', 'focus_metrics', 1]],
  ['/reports/generate', { focus_metrics: ['speed'] }, ['body', 'focus_metrics', 0]],
  ['/tasks/metrics/sync', { sprint_count: 0 }, ['body', 'sprint_count']],
  ['/tasks/metrics/sync', { force_refresh: 'maybe' }, ['body', 'force_refresh']],
  ['/metrics/fetch?count=21', {}, ['query', 'count']],
  ['/metrics/fetch?count=many', {}, ['query', 'count']],
];

export const ROUTES = [
  'post /retros/tasks/reports/generate',
  'post /retros/tasks/metrics/sync',
  'get /retros/tasks/status/{id}',
  'delete /retros/tasks/{id}',
  'post /retros/reports/generate',
  'get /retros/reports',
  'get /retros/reports/{report_id}',
  'delete /retros/reports/{report_id}',
  'post /retros/metrics/fetch',
  'get /retros/metrics',
  'get /retros/metrics/{sprint_id}',
  'delete /retros/metrics/{sprint_id}',
  'get /retros/health',
];

export const SNAPSHOT_FIELDS = [
  'id',
  'sprint_id',
  'sprint_name',
  'start_date',
  'end_date',
  'metrics_data',
  'fetched_at',
  'updated_at',
];

const NEVER = '01890000-0000-7000-8000-000000000000';

/** What is not there for whoever asks: with its own key for what never was, or as a stranger for a report's owner's things. */
export const unknownRoutes = (
  reportId: string,
): [method: string, path: string, whose: 'own' | 'stranger'][] => [
  ['GET', `/tasks/status/${NEVER}`, 'own'],
  ['GET', '/tasks/status/none', 'own'],
  ['DELETE', `/tasks/${NEVER}`, 'own'],
  ['POST', `/tasks/${NEVER}/revoke`, 'own'],
  ['GET', `/reports/${NEVER}`, 'own'],
  ['DELETE', '/reports/none', 'own'],
  ['GET', '/metrics/none', 'own'],
  ['DELETE', '/metrics/s-1%00', 'own'],
  ['GET', `/tasks/status/${reportId}`, 'stranger'],
  ['DELETE', `/tasks/${reportId}`, 'stranger'],
  ['GET', `/reports/${reportId}`, 'stranger'],
  ['DELETE', `/reports/${reportId}`, 'stranger'],
  ['GET', '/metrics/s-1', 'stranger'],
  ['DELETE', '/metrics/s-1', 'stranger'],
];
