import { z } from 'zod';
import { diag } from '../../packs/diag/index.ts';
import { defineConfig } from '../../src/config.ts';
import type { Dialect } from '../../src/dialect.ts';
import { submits } from '../../src/dialect.ts';
import { definePack } from '../../src/pack.ts';
import { defineTask } from '../../src/task.ts';
import { family } from '../fixtures/family.ts';

/** The `diag` pack, and one with a dialect in the manner of the filings pack. */
export const analyze = defineTask({
  name: 'old.analyze',
  attempts: 1,
  input: z.strictObject({
    ticker: z.string().regex(/^[A-Z]+$/),
    year: z.int().min(1990).max(2030),
    note: z.string().optional(),
  }),
  output: z.strictObject({ ticker: z.string(), risks: z.array(z.string()) }),
  run: ({ input }) => {
    if (input.note === 'fail') throw new Error('no such filing');
    return { ticker: input.ticker, risks: ['fire'] };
  },
});

const dialect: Dialect = {
  prefix: '/old',
  keyHeader: 'X-Access-Token',
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
  error: ({ status, message, faults }) => ({
    status,
    body: {
      detail:
        faults.length === 0
          ? message
          : faults.map(({ pointer, detail }) => ({ loc: pointer.split('/').slice(1), msg: detail })),
    },
  }),
  routes: [
    submits({
      method: 'post',
      kind: 'submit',
      path: '/analyze',
      summary: 'Analyze a filing',
      task: analyze,
      sync: { parameter: 'async_mode', value: 'false' },
      accepted: ({ task, link }) => ({
        status: 202,
        body: { task_id: task.id, status_url: link(`/tasks/${task.id}`) },
      }),
      finished: ({ task }) =>
        task.result === null
          ? { status: 500, body: { detail: task.error?.message ?? task.state } }
          : { status: 200, body: task.result },
    }),
    {
      method: 'get',
      kind: 'status',
      path: '/tasks/{id}',
      summary: 'Show a task',
      reply: ({ task, state }) => ({
        status: 200,
        body: { task_id: task.id, status: state, result: task.result },
      }),
    },
    {
      method: 'delete',
      kind: 'cancel',
      path: '/tasks/{id}',
      summary: 'Revoke a task',
      reply: ({ task, state }, outcome) => ({
        status: 200,
        body: { task_id: task.id, status: state, outcome },
      }),
    },
    {
      method: 'get',
      kind: 'static',
      path: '/ready',
      summary: 'Whether it is ready',
      reply: ({ ready }) => ({ status: ready ? 200 : 503, body: { ready } }),
    },
  ],
};

export const config = defineConfig({
  packs: [diag, definePack({ name: 'old', tasks: [analyze], dialect }), family],
});

export default config;
