import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLog } from '../../src/log.ts';
import { openClaims } from '../../src/queue/claim.ts';
import { nextDue } from '../../src/queue/due.ts';
import { sendTasks } from '../../src/queue/send.ts';
import { reportAttempts, settleAttempts, type Outcome } from '../../src/queue/settle.ts';
import {
  failed,
  handedBack,
  newTask,
  openJournalLab,
  retrying,
  succeeded,
  until,
  type JournalLab,
} from './journal-lab.ts';

const BACKLOG = 100_000;
const AT_ONCE = 200;
const ONE_IN_TEN_LATER = `CASE WHEN n % 10 = 0 THEN now() + interval '1 hour' ELSE now() END`;

let lab: JournalLab;
beforeAll(async () => {
  lab = await openJournalLab();
  await lab.sql('ALTER TABLE lovage.task SET (autovacuum_enabled = off)');
});
afterAll(() => lab[Symbol.asyncDispose]());

/** What Postgres believes about a queue's table when the backlog has come in. */
const beliefs = {
  'no statistics': ['diag', async () => loadBacklog('diag')],
  'statistics of it': ['diag', async () => analyze('diag')],
  'statistics of when it was small': [
    'spare',
    async () => analyzeWhileSmall('spare').then(() => loadBacklog('spare')),
  ],
} as const;

describe.each(Object.entries(beliefs))('with a large backlog and %s', (_, [queue, prepare]) => {
  beforeAll(async () => {
    await lab.sql(`ALTER TABLE ${await lab.partition(queue)} SET (autovacuum_enabled = off)`);
    await prepare();
  });

  test('a claim reads about as many rows as it takes', async () => {
    const read = await rowsRead(queue, async (pool) =>
      expect(await claimOn(pool, queue)).toHaveLength(AT_ONCE),
    );
    expect(read).toMatchObject({ sequentialScans: 0 });
    expect(read.jobs).toBeLessThan(5 * AT_ONCE);
    expect(read.tasks).toBeLessThan(10 * AT_ONCE);
  });

  test('a report reads about as many rows as it writes', async () => {
    const held = await apart((pool) => claimOn(pool, queue));
    const events = [{ type: 'log' as const, data: {}, agoMs: 0 }];
    const progress = { current: 1, total: 2, message: null };
    const reports = held.map(({ id, attempt }) => ({ id, attempt, progress, events }));
    const read = await rowsRead(queue, async (pool) =>
      expect(await reportAttempts(pool, queue, reports)).toHaveLength(AT_ONCE),
    );
    expect(read).toMatchObject({ sequentialScans: 0 });
    expect(read.jobs).toBeLessThan(5 * AT_ONCE);
    expect(read.tasks).toBeLessThan(10 * AT_ONCE);
  });

  test.each([
    ['successes', succeeded],
    ['failures', failed],
    ['retries', retrying(1_000)],
    ['hand-backs', handedBack],
  ] as const)('a settle of %s reads about as many rows as it writes', async (_, outcome) => {
    const held = await apart((pool) => claimOn(pool, queue));
    const read = await rowsRead(queue, async (pool) =>
      expect(await settleOn(pool, queue, held, outcome)).toHaveLength(AT_ONCE),
    );
    expect(read).toMatchObject({ sequentialScans: 0 });
    expect(read.jobs).toBeLessThan(30 * AT_ONCE);
    expect(read.tasks).toBeLessThan(20 * AT_ONCE);
  });

  test('a settle of a stale group reads no more', async () => {
    const held = (await apart((pool) => claimOn(pool, queue))).map(({ id, attempt }) => ({
      id,
      attempt: attempt - 1,
    }));
    const read = await rowsRead(queue, async (pool) =>
      expect(await settleOn(pool, queue, held, succeeded)).toEqual([]),
    );
    expect(read).toMatchObject({ sequentialScans: 0 });
    expect(read.jobs).toBeLessThan(30 * AT_ONCE);
  });

  test('the look for what is due next reads a few rows', async () => {
    const read = await rowsRead(queue, async (pool) => {
      expect(await nextDue(pool, [queue])).toMatchObject([
        { queue, ready: true, dueInMs: expect.any(Number) },
      ]);
    });
    expect(read).toMatchObject({ sequentialScans: 0 });
    expect(read.jobs).toBeLessThan(10);
  });

  test('an enqueue reads nothing of the queue', async () => {
    const read = await rowsRead(queue, async (pool) => void (await sendTasks(pool, [newTask({ queue })])));
    expect(read).toMatchObject({ sequentialScans: 0 });
    expect(read.jobs).toBeLessThan(5);
  });

  test('a cancel of one task reads a few rows', async () => {
    const [task] = await apart((pool) => sendTasks(pool, [newTask({ queue })]));
    const read = await rowsRead(
      queue,
      async (pool) => void (await pool.query('SELECT lovage.cancel($1)', [task?.id])),
    );
    expect(read).toMatchObject({ sequentialScans: 0 });
    expect(read.jobs + read.tasks).toBeLessThan(20);
  });

  test('an operator’s change of two thousand jobs in one statement reads each a few times', async () => {
    const table = await lab.partition(queue);
    const read = await rowsRead(queue, async (pool) => {
      const some = `SELECT id FROM ${table} WHERE state = 'created' LIMIT 2000`;
      await pool.query(`UPDATE ${table} SET priority = 1 WHERE name = $1 AND id = ANY (ARRAY(${some}))`, [
        queue,
      ]);
    });
    // How the jobs are found is between the operator's statement and Postgres.
    expect(read.tasks).toBeLessThan(10 * 2_000);
  });
});

test('two thousand attempts settled in one call read each task a few times', async () => {
  const claims = await apart((pool) => claimOn(pool, 'diag', 2_000));
  const read = await rowsRead('diag', async (pool) =>
    expect(await settleOn(pool, 'diag', claims, succeeded)).toHaveLength(2_000),
  );

  expect(read).toMatchObject({ sequentialScans: 0 });
  expect(read.tasks).toBeLessThan(20 * 2_000);
  expect(read.jobs).toBeLessThan(10 * 2_000);
});

test('a queue that holds nothing but delayed tasks is looked at without reading them', async () => {
  await loadBacklog('solo', { jobs: 20_000, due: `now() + interval '1 hour'` });
  const read = await rowsRead('solo', async (pool) => {
    expect(await nextDue(pool, ['solo'])).toMatchObject([{ ready: false, dueInMs: expect.any(Number) }]);
    expect(await claimOn(pool, 'solo')).toEqual([]);
  });

  expect(read).toMatchObject({ sequentialScans: 0 });
  expect(read.jobs).toBeLessThan(10);
});

/** Rows of the queue and of lovage.task that were read by what runs on a connection of its own. */
async function rowsRead(queue: string, work: (pool: pg.Pool) => Promise<unknown>) {
  const before = await counters(queue);
  await apart(work);
  const after = await counters(queue);
  return {
    sequentialScans: after.scans - before.scans,
    jobs: after.jobs - before.jobs,
    tasks: after.tasks - before.tasks,
  };
}

/**
 * On a connection that ends with it: a session hands in its counts at its end, or when it likes. Before Postgres 15
 * they arrive when they please, so this is not for the oldest.
 */
async function apart<Result>(work: (pool: pg.Pool) => Promise<Result>): Promise<Result> {
  const pool = new pg.Pool({ connectionString: lab.url, max: 1, application_name: 'apart' });
  const result = await work(pool);
  await pool.end();
  await until(
    async () =>
      (await lab.sql(`SELECT 1 FROM pg_stat_activity WHERE application_name = 'apart'`)).length === 0,
  );
  return result;
}

async function counters(queue: string) {
  await lab.lovage.pool.query('SELECT pg_stat_clear_snapshot()');
  const [row] = await lab.sql<{ scans: number; jobs: number; tasks: number }>(
    `SELECT sum(seq_scan)::int AS scans,
            sum(seq_tup_read + idx_tup_fetch) FILTER (WHERE relid = to_regclass($1))::int AS jobs,
            sum(seq_tup_read + idx_tup_fetch) FILTER (WHERE relid = 'lovage.task'::regclass)::int AS tasks
     FROM pg_stat_all_tables WHERE relid IN (to_regclass($1), 'lovage.task'::regclass)`,
    [await lab.partition(queue)],
  );
  if (!row) throw new Error('no counters');
  return row;
}

async function claimOn(pool: pg.Pool, queue: string, limit = AT_ONCE) {
  const claims = await openClaims(pool, lab.workerId, createLog({ level: 'silent' }));
  try {
    return (await claims.claim(queue, limit)).tasks;
  } finally {
    await claims.close();
  }
}

const settleOn = (
  pool: pg.Pool,
  queue: string,
  attempts: readonly { id: string; attempt: number }[],
  outcome: Outcome,
) =>
  settleAttempts(
    pool,
    queue,
    lab.workerId,
    attempts.map(({ id, attempt }) => ({ id, attempt, progress: null, events: [], ...outcome })),
  );

/** Past the triggers, for speed: jobs and tasks as add_tasks() writes them, one in ten due in an hour. */
async function loadBacklog(queue: string, { jobs, due } = { jobs: BACKLOG, due: ONE_IN_TEN_LATER }) {
  const table = await lab.partition(queue);
  await apart(async (pool) => {
    await pool.query('SET session_replication_role = replica');
    await pool.query(`WITH added AS (
       INSERT INTO lovage.task (id, name, queue, input, events, due_at)
       SELECT lovage.uuid_v7(), 'diag.noop', '${queue}', '{}', 1, ${due} FROM generate_series(1, ${jobs}) AS n
       RETURNING id, due_at)
     INSERT INTO ${table} (id, name, data, start_after, retry_limit, policy)
     SELECT id, '${queue}', '{"name": "diag.noop"}', due_at, 1000000000, 'standard' FROM added`);
  });
}

/** As it is right after a start under load: all that the table held was running. */
async function analyzeWhileSmall(queue: string) {
  const tasks = Array.from({ length: 50 }, () => newTask({ queue }));
  await apart((pool) => sendTasks(pool, tasks));
  await apart((pool) => claimOn(pool, queue));
  await analyze(queue);
}

async function analyze(queue: string) {
  const table = await lab.partition(queue);
  await apart((pool) => pool.query(`ANALYZE ${table}; ANALYZE lovage.task`));
}
