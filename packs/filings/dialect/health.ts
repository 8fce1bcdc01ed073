import type { DialectRoute } from 'lovage';
import { z } from 'zod';

const version = '1.0.0';
const readySchema = z.object({ status: z.string(), redis: z.boolean(), chromadb: z.boolean() });

export const healthRoutes: DialectRoute[] = [
  {
    method: 'get',
    path: '/health',
    summary: 'Health of the service',
    kind: 'static',
    answers: { 200: z.object({ status: z.literal('healthy'), version: z.string() }) },
    reply: () => ({ status: 200, body: { status: 'healthy', version } }),
  },
  {
    method: 'get',
    path: '/ready',
    summary: 'Whether tasks are taken; the names of the old parts are kept',
    kind: 'static',
    answers: { 200: readySchema, 503: readySchema },
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
    answers: { 200: z.object({ status: z.literal('alive') }) },
    reply: () => ({ status: 200, body: { status: 'alive' } }),
  },
];
