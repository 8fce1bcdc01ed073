import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { test as base } from 'vitest';
import { noop } from '../../packs/diag/tasks.ts';
import { startBoss, stopBoss } from '../../src/queue/boss.ts';
import { openClaims, type Claim } from '../../src/queue/claim.ts';
import type { NewTask } from '../../src/queue/send.ts';
import { settleAttempts, type Outcome, type Report } from '../../src/queue/settle.ts';
import { openLab, type Lab } from '../lab.ts';
import { openOperator } from './psql.ts';

export { expect } from 'vitest';
export { until } from '../lab.ts';

/** The rows as they stand, for what the views of a task leave out. */
export interface TaskRow {
  id: string;
  queue: string;
  state: string;
  attempt: number;
  failures: number;
  crashes: number;
  priority: number;
  events: number;
  error: Record<string, unknown> | null;
  input: unknown;
  created_by: string | null;
  concurrency_key: string | null;
  worker_id: string | null;
  due_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  cancel_requested_at: Date | null;
  cancel_requested_by: string | null;
  cancel_reason: string | null;
}

export interface JobRow {
  id: string;
  name: string;
  state: string;
  retry_count: number;
  priority: number;
  start_after: Date;
  started_on: Date | null;
  singleton_key: string | null;
}

/** A lab that plays the worker itself: it claims and settles one step at a time. */
export interface JournalLab extends Lab {
  boss: Awaited<ReturnType<typeof startBoss>>;
  workerId: string;
  /** Takes what the queue hands out. */
  claim(limit?: number, queue?: string): Promise<Claim[]>;
  /** A task of `diag.noop` whose first attempt is running. */
  running(): Promise<Claim>;
  /** A task that failed once and waits for its next attempt. */
  retrying(delayMs?: number): Promise<Claim>;
  /** A task that was handed back and waits for its next attempt. */
  handedBack(): Promise<Claim>;
  /** Resolves with the new state, or null where the fence refused. */
  settle(
    claim: Pick<Claim, 'id' | 'attempt'>,
    outcome: Outcome,
    said?: Partial<Report>,
  ): Promise<string | null>;
  task(id: string): Promise<TaskRow | undefined>;
  job(id: string): Promise<JobRow | undefined>;
  /** `type attempt` of each event, in order. */
  history(id: string): Promise<string[]>;
  /** As an operator would, at a psql prompt. */
  byHand(sql: string): Promise<void>;
  /** Past every trigger, as a restore or a replication does it. */
  unseen(sql: string, values?: unknown[]): Promise<void>;
  /** The partition of a queue, quoted for use in SQL. */
  partition(queue?: string): Promise<string>;
}

export const succeeded: Outcome = { kind: 'succeeded', output: null, ttlMs: 60_000 };
export const failed: Outcome = { kind: 'failed', error: { code: 'broken', message: 'it broke' } };
export const retrying = (delayMs = 0): Outcome => ({
  kind: 'retrying',
  error: { code: 'flaky', message: 'not this time' },
  delayMs,
});
export const handedBack: Outcome = { kind: 'handed_back', reason: 'shutting down', delayMs: 0 };
export const cancelled: Outcome = { kind: 'cancelled' };

export function newTask(change: Partial<NewTask> = {}): NewTask {
  return {
    tenant: 'default',
    name: 'diag.noop',
    queue: 'diag',
    priority: 0,
    maxAttempts: 3,
    resultTtlMs: 60_000,
    input: {},
    tags: [],
    createdBy: 'key:test',
    ...change,
  };
}

/**
 * Tests of a file share a database; each starts with an empty queue, and after each every invariant holds,
 * unless the test says that it broke one on purpose.
 */
export const test = base.extend<{ lab: JournalLab; emptied: void }>({
  lab: [
    // oxlint-disable-next-line no-empty-pattern -- vitest reads what a fixture needs from this pattern
    async ({}, use) => {
      await using lab = await openJournalLab();
      await use(lab);
    },
    { scope: 'file' },
  ],
  emptied: [
    async ({ lab, task }, use) => {
      await lab.unseen(
        `DELETE FROM pgboss.job; DELETE FROM lovage.task; DELETE FROM lovage.task_event; DELETE FROM lovage.task_result;
         DELETE FROM lovage.task_progress; DELETE FROM lovage.task_wait; DELETE FROM lovage.task_end; DELETE FROM lovage.batch;
         DELETE FROM lovage.worker WHERE id <> '${lab.workerId}'`,
      );
      await use();
      const violations = await lab.violations();
      if (violations.length > 0)
        throw new Error(`"${task.name}" leaves violations: ${JSON.stringify(violations)}`);
    },
    { auto: true },
  ],
});

export async function openJournalLab(): Promise<JournalLab> {
  const lab = await openLab();
  const workerId = randomUUID();
  const { pool } = lab.lovage;
  const boss = await startBoss(pool, { migrate: false });
  const operator = await openOperator(lab.url);
  const claims = await openClaims(pool, workerId, lab.lovage.log);
  await lab.sql(
    `INSERT INTO lovage.worker (id, host, pid, queues, slots, version) VALUES ($1, 'here', 1, '{diag}', 9, 'test')`,
    [workerId],
  );

  const claim = async (limit = 100, queue = 'diag') => (await claims.claim(queue, limit)).tasks;
  const settle: JournalLab['settle'] = async ({ id, attempt }, outcome, said = {}) => {
    const [task] = await lab.sql<{ queue: string }>('SELECT queue FROM lovage.task WHERE id = $1', [id]);
    const report = { id, attempt, progress: null, events: [], ...said };
    const settled = await settleAttempts(pool, task?.queue ?? 'diag', workerId, [{ ...report, ...outcome }]);
    return settled.find((one) => one.id === id)?.state ?? null;
  };
  const running = async () => {
    const { id } = await lab.enqueue(noop, {});
    const claimed = (await claim()).find((one) => one.id === id);
    if (!claimed) throw new Error(`task ${id} was not handed out`);
    return claimed;
  };
  const settledAs = async (outcome: Outcome) => {
    const claimed = await running();
    await settle(claimed, outcome);
    return claimed;
  };

  return {
    ...lab,
    boss,
    workerId,
    claim,
    settle,
    running,
    retrying: (delayMs = 60_000) => settledAs(retrying(delayMs)),
    handedBack: () => settledAs(handedBack),
    task: async (id) => (await lab.sql<TaskRow>('SELECT * FROM lovage.task WHERE id = $1', [id]))[0],
    job: async (id) => (await lab.sql<JobRow>('SELECT * FROM pgboss.job WHERE id = $1', [id]))[0],
    history: async (id) => (await lab.events(id)).map(({ type, attempt }) => `${type} ${attempt}`),
    byHand: (sql) => operator.run(sql),
    unseen: (sql, values) => runUnseen(lab.url, sql, values),
    async partition(queue = 'diag') {
      const [row] = await lab.sql<{ job_table: string }>('SELECT lovage.job_table($1) AS job_table', [queue]);
      return `pgboss."${row?.job_table}"`;
    },
    async [Symbol.asyncDispose]() {
      await operator.close();
      await claims.close();
      await stopBoss(boss);
      await lab[Symbol.asyncDispose]();
    },
  };
}

async function runUnseen(url: string, sql: string, values?: unknown[]): Promise<void> {
  await onConnection(url, async (client) => {
    await client.query('SET session_replication_role = replica');
    await client.query(sql, values);
  });
}

/** Something done on a connection of its own, so that nothing it sets outlives it. */
export async function onConnection<Result>(
  url: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
