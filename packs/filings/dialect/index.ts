import { submits, type Dialect } from 'lovage';
import { analyzeOutput } from '../tasks/analyze-output.ts';
import { analyze } from '../tasks/analyze.ts';
import { batchAnalyze } from '../tasks/batch-analyze.ts';
import { indexFiling } from '../tasks/index-filing.ts';
import { policy } from '../tasks/policy.ts';
import { accept, acceptedSchema, errorSchema, finish, refusals, showStatus, statusSchema } from './answer.ts';
import { batchStatusSchema, showBatch } from './batch-status.ts';
import { renderError } from './errors.ts';
import { healthRoutes } from './health.ts';
import { marketCapRoutes } from './market-caps.ts';
import { refuseMissing } from './refuse-missing.ts';
import { searchRoute } from './search.ts';

const sync = { parameter: 'async_mode', value: 'false', defaultVariable: 'FILINGS_DEFAULT_SYNC' } as const;
const answers = { 202: acceptedSchema, 400: errorSchema, 404: errorSchema, 500: errorSchema, ...refusals };

/** The HTTP contract of the system that these filings ran on before, path by path and field by field. */
export const dialect: Dialect = {
  prefix: '/filings',
  keyHeader: 'x-api-key',
  forgetsAfterMs: policy.resultTtlMs,
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
  error: renderError,
  routes: [
    submits({
      method: 'post',
      path: '/analyze',
      summary: 'Analyse the risk factors of a 10-K',
      kind: 'submit',
      task: analyze,
      sync,
      refuse: (filing) => refuseMissing([filing]),
      accepted: accept('Analysis accepted'),
      finished: finish,
      answers: { 200: analyzeOutput, ...answers },
    }),
    submits({
      method: 'post',
      path: '/index',
      summary: 'Index a 10-K, so that later years are compared with it',
      kind: 'submit',
      task: indexFiling,
      sync,
      refuse: (filing) => refuseMissing([filing]),
      accepted: accept('Indexing accepted'),
      finished: finish,
      answers: { 200: indexFiling.output, ...answers },
    }),
    submits({
      method: 'post',
      path: '/analyze/batch',
      summary: 'Analyse up to 100 filings, each as a task of its own',
      kind: 'submit',
      task: batchAnalyze,
      refuse: ({ filings }) => refuseMissing(filings),
      accepted: accept('Batch accepted', (id) => `/analyze/batch/${id}`),
      answers,
    }),
    {
      method: 'get',
      path: '/analyze/batch/{id}',
      summary: 'A batch and its analyses as one',
      kind: 'status',
      task: batchAnalyze,
      withChildren: true,
      reply: showBatch,
      answers: { 200: batchStatusSchema, 404: errorSchema, ...refusals },
    },
    {
      method: 'get',
      path: '/tasks/{id}',
      summary: 'Status, progress and result of a task',
      kind: 'status',
      reply: showStatus,
      answers: { 200: statusSchema, 404: errorSchema, ...refusals },
    },
    ...marketCapRoutes,
    searchRoute,
    ...healthRoutes,
  ],
};
