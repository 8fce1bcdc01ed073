import { definePack } from 'lovage';
import { dialect } from './dialect/index.ts';
import { environment } from './environment.ts';
import { cleanupReports } from './tasks/cleanup-reports.ts';
import { generateReport } from './tasks/generate-report.ts';
import { syncMetrics } from './tasks/sync-metrics.ts';

/** Sprint metrics, and reports for retrospectives made of them. */
export const retros = definePack({
  name: 'retros',
  tasks: [syncMetrics, generateReport, cleanupReports],
  dialect,
  queues: { metrics: { concurrency: 4 }, reports: { concurrency: 4 } },
  schedules: {
    'retros.cleanup': { task: cleanupReports, input: {}, cron: '15 3 * * *', missed: 'once' },
  },
  environment,
  migrations: new URL('drizzle/', import.meta.url),
  example: { task: 'retros.syncMetrics', input: '{"sprint_count": 5}' },
});
