const ID = '0197b6f0-0000-7000-8000-000000000000';
const AT = '2026-11-22T06:39:00.000Z';
const LATER = '2026-11-22T06:39:12.000Z';

const EXAMPLES: Record<string, unknown> = {
  Task: {
    id: ID,
    name: 'filings.analyze',
    queue: 'filings',
    state: 'running',
    priority: 0,
    attempt: 1,
    maxAttempts: 3,
    crashes: 0,
    softLimitMs: 240_000,
    hardLimitMs: 300_000,
    concurrencyKey: null,
    progress: { current: 3, total: 12, message: 'scoring' },
    error: null,
    tags: ['10-K'],
    batchId: null,
    parentId: null,
    parentStep: null,
    createdBy: 'key:ci',
    createdAt: AT,
    dueAt: AT,
    startedAt: LATER,
    finishedAt: null,
    cancelRequestedAt: null,
    cancelRequestedBy: null,
    cancelReason: null,
    cancelOutcome: null,
    overdueAt: null,
    resultExpiresAt: null,
    statusUrl: `/v1/tasks/${ID}`,
    eventsUrl: `/v1/tasks/${ID}/events`,
  },
  TaskEvent: { number: 2, type: 'started', attempt: 1, at: LATER, data: { worker: ID } },
  Attempt: { attempt: 1, worker: ID, startedAt: AT, endedAt: LATER, outcome: 'succeeded', error: null },
  Explanation: {
    id: ID,
    state: 'queued',
    reasons: [{ reason: 'paused', since: AT, detail: 'queue "mail" is paused by cli:ada' }],
  },
  Queue: {
    name: 'filings',
    paused: null,
    limits: { concurrency: 4, perKey: null, rate: null },
    limitsSetBy: null,
    waiting: 12,
    waitingIsMore: false,
    running: 4,
  },
  Worker: {
    id: ID,
    host: 'worker-1',
    pid: 4711,
    state: 'live',
    queues: ['filings'],
    slots: 10,
    running: 4,
    version: '0.1.0',
    startedAt: AT,
    heartbeatAt: LATER,
  },
  Problem: {
    type: '/problems/validation',
    title: 'The request does not fit its schema',
    status: 422,
    detail: 'the input does not fit the schema of "diag.sleep"',
    instance: 'my-request.1',
    errors: [{ pointer: '/ms', detail: 'Invalid input: expected number, received string' }],
  },
};

export const withExamples = (schemas: Record<string, object>): Record<string, object> =>
  Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [
      name,
      name in EXAMPLES ? { ...schema, examples: [EXAMPLES[name]] } : schema,
    ]),
  );
