import type { Dialect } from 'lovage';
import { z } from 'zod';
import { readEnvironment } from '../environment.ts';
import { policy } from '../tasks/policy.ts';
import { error } from './faults.ts';
import { metricsRoutes } from './metrics.ts';
import { reportRoutes } from './reports.ts';
import { taskRoutes } from './tasks.ts';

const text = z.string();

/** The HTTP contract of the system that these retrospectives ran on before, path by path and field by field. */
export const dialect: Dialect = {
  prefix: '/retros',
  keyHeader: 'x-api-key',
  states: {
    queued: 'PENDING',
    scheduled: 'PENDING',
    running: 'STARTED',
    waiting: 'STARTED',
    retrying: 'RETRY',
    succeeded: 'SUCCESS',
    failed: 'FAILURE',
    cancelled: 'REVOKED',
    expired: 'REVOKED',
  },
  forgetsAfterMs: policy.resultTtlMs,
  error,
  routes: [
    ...taskRoutes,
    ...reportRoutes,
    ...metricsRoutes,
    {
      method: 'get',
      path: '/',
      summary: 'What this is',
      kind: 'static',
      answers: { 200: z.object({ message: text, version: text, health: text }) },
      reply: () => ({
        status: 200,
        body: { message: 'Retrospective reports', version: '1.0.0', health: '/health' },
      }),
    },
    {
      method: 'get',
      path: '/health',
      summary: 'Health of the service and its database',
      kind: 'static',
      answers: { 200: z.object({ status: text, database: text, environment: text }) },
      reply: ({ ready }) => ({
        status: ready ? 200 : 503,
        body: {
          status: ready ? 'healthy' : 'unhealthy',
          database: ready ? 'connected' : 'disconnected',
          environment: readEnvironment().ENVIRONMENT ?? 'development',
        },
      }),
    },
  ],
};
