import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { beforeEach, describe } from 'vitest';
import { noop } from '../../packs/diag/tasks.ts';
import { sendTasks } from '../../src/queue/send.ts';
import { listQueues } from '../../src/queues/list.ts';
import { pauseQueue } from '../../src/queues/pause.ts';
import { explainTask } from '../../src/tasks/explain.ts';
import { expect, failed, newTask, succeeded, test, until, type JournalLab } from '../journal/journal-lab.ts';

/** A worker as its row shows it; the lab's own plays no part here. */
interface WorkerRow {
  queues?: string[];
  slots?: number;
  tasks?: string[];
  /** How long ago it gave a sign of life. */
  agoMs?: number;
  startedAgoMs?: number;
  isStopped?: boolean;
  isLost?: boolean;
  isDraining?: boolean;
}

async function addWorker(lab: JournalLab, row: WorkerRow = {}): Promise<string> {
  const id = randomUUID();
  const { queues = ['diag'], slots = 9, tasks = ['diag.noop'], agoMs = 0, startedAgoMs = 60_000 } = row;
  await lab.sql(
    `INSERT INTO lovage.worker (id, host, pid, queues, slots, version, tasks, heartbeat_at, started_at, stopped_at, lost_at, draining)
     VALUES ($1, 'here', 1, $2, $3, 'test', $4, now() - $5 * interval '1 ms', now() - $6 * interval '1 ms',
             CASE WHEN $7 THEN now() - $5 * interval '1 ms' END, CASE WHEN $8 THEN now() END, $9)`,
    [
      id,
      queues,
      slots,
      tasks,
      agoMs,
      startedAgoMs,
      row.isStopped ?? false,
      row.isLost ?? false,
      row.isDraining ?? false,
    ],
  );
  return id;
}

const why = async (lab: JournalLab, id: string) =>
  (await explainTask(lab.lovage, lab.caller, id)).reasons.map(({ reason }) => reason);
const first = async (lab: JournalLab, id: string) =>
  (await explainTask(lab.lovage, lab.caller, id)).reasons[0];
const limit = (lab: JournalLab, set: string) =>
  lab.sql(`UPDATE lovage.queue_control SET ${set} WHERE queue = 'diag'`);
const send = async (lab: JournalLab, change: Parameters<typeof newTask>[0] = {}) => {
  const [task] = await sendTasks(lab.lovage.pool, [newTask(change)]);
  if (!task) throw new Error('not accepted');
  return task.id;
};

beforeEach<{ lab: JournalLab }>(async ({ lab }) => {
  await lab.sql(`UPDATE lovage.queue_control
    SET max_running = NULL, max_per_key = NULL, rate_limit = NULL, rate_period_ms = NULL, paused_at = NULL`);
  await lab.sql('DELETE FROM lovage.queue_start');
  await lab.sql('DELETE FROM lovage.worker');
});

describe('what is over or runs', () => {
  test('final: with its state, since it ended, and why', async ({ lab }) => {
    const claim = await lab.running();
    await lab.settle(claim, failed);
    expect(await explainTask(lab.lovage, lab.caller, claim.id)).toEqual({
      id: claim.id,
      state: 'failed',
      reasons: [
        {
          reason: 'final',
          since: (await lab.task(claim.id))?.finished_at?.toISOString(),
          detail: 'failed: it broke',
        },
      ],
    });
    const { id } = await lab.enqueue(noop, {});
    await lab.sql(`SELECT lovage.cancel($1, 'typo')`, [id]);
    expect(await first(lab, id)).toMatchObject({ reason: 'final', detail: 'cancelled: typo' });
  });

  test('running: since its attempt started, and by which worker', async ({ lab }) => {
    const claim = await lab.running();
    expect(await explainTask(lab.lovage, lab.caller, claim.id)).toMatchObject({
      state: 'running',
      reasons: [
        {
          reason: 'running',
          since: (await lab.task(claim.id))?.started_at?.toISOString(),
          detail: `attempt 1, on worker ${lab.workerId}`,
        },
      ],
    });
    await lab.sql(`SELECT lovage.mark_overdue('diag', $1)`, [
      JSON.stringify([{ id: claim.id, attempt: 1, because: 'hard limit' }]),
    ]);
    expect(await why(lab, claim.id)).toEqual(['running', 'overdue']);
    expect((await lab.get(claim.id)).overdueAt).not.toBeNull();
    // What an attempt before it left behind says nothing about this one.
    await lab.sql(`UPDATE lovage.task SET overdue_at = started_at - interval '1 s' WHERE id = $1`, [
      claim.id,
    ]);
    expect(await why(lab, claim.id)).toEqual(['running']);
    expect((await lab.get(claim.id)).overdueAt).toBeNull();
    expect(await lab.settle(claim, succeeded)).toBe('succeeded');
  });

  test('waiting for children', async ({ lab }) => {
    const id = await send(lab);
    await lab.unseen(`UPDATE lovage.task SET state = 'waiting' WHERE id = $1`, [id]);
    expect(await why(lab, id)).toEqual(['waiting_for_children']);
    await lab.unseen(`UPDATE lovage.task SET state = 'queued' WHERE id = $1`, [id]);
  });
});

describe('what its queue and its workers say', () => {
  test('paused: since when, by whom and why, before anything else', async ({ lab }) => {
    const id = await send(lab);
    const { queue } = await pauseQueue(lab.lovage, lab.caller, 'diag', { reason: 'the disk is full' });
    expect(await first(lab, id)).toEqual({
      reason: 'paused',
      since: queue.paused?.at,
      detail: 'queue "diag" is paused by key:test: the disk is full',
    });
    expect(await why(lab, id)).toEqual(['paused', 'no_worker']);
  });

  test('not due: since it was delayed, and until when', async ({ lab }) => {
    await addWorker(lab);
    const { id, createdAt, dueAt } = await lab.enqueue(noop, {}, { delayMs: 60_000 });
    expect(await explainTask(lab.lovage, lab.caller, id)).toEqual({
      id,
      state: 'scheduled',
      reasons: [{ reason: 'not_due', since: createdAt, detail: `due at ${dueAt}` }],
    });
    await lab.sql('DELETE FROM lovage.worker');
    const { id: again } = await lab.retrying(60_000);
    await addWorker(lab);
    expect(await first(lab, again)).toMatchObject({
      reason: 'not_due',
      since: (await lab.events(again)).at(-1)?.at,
    });
  });

  test('no worker: since the last one that served its queue was seen, or since it was made', async ({
    lab,
  }) => {
    const { id, createdAt } = await lab.enqueue(noop, {});
    expect(await explainTask(lab.lovage, lab.caller, id)).toMatchObject({
      reasons: [{ reason: 'no_worker', since: createdAt, detail: 'no live worker serves queue "diag"' }],
    });
    await addWorker(lab, { agoMs: 20_000 });
    await addWorker(lab, { isLost: true, agoMs: 25_000 });
    await addWorker(lab, { isStopped: true, agoMs: 40_000 });
    await addWorker(lab, { queues: ['spare'] });
    const reason = await first(lab, id);
    expect(reason?.reason).toBe('no_worker');
    const [seen] = await lab.sql<{ at: Date }>(
      `SELECT max(heartbeat_at) AS at FROM lovage.worker WHERE 'diag' = ANY (queues)`,
    );
    expect(reason?.since).toBe(seen?.at.toISOString());
    // One that drains claims nothing any more.
    await addWorker(lab, { isDraining: true });
    expect(await why(lab, id)).toEqual(['no_worker']);
    await addWorker(lab);
    expect(await why(lab, id)).toEqual(['ready']);
  });

  test('unknown name: live workers serve its queue, and none of those that tell knows it', async ({
    lab,
  }) => {
    const id = await send(lab, { name: 'diag.later' });
    await addWorker(lab, { tasks: [] });
    expect(await why(lab, id)).toEqual(['ready']);
    await addWorker(lab, { tasks: ['diag.noop', 'diag.echo'] });
    expect(await first(lab, id)).toMatchObject({
      reason: 'unknown_name',
      detail: '1 serve queue "diag", and none knows "diag.later"',
      since: (await lab.get(id)).createdAt,
    });
    await addWorker(lab, { tasks: ['diag.later'], isStopped: true, agoMs: 5_000 });
    const [gone] = await lab.sql<{ at: Date }>(
      'SELECT stopped_at AS at FROM lovage.worker WHERE stopped_at IS NOT NULL',
    );
    expect((await first(lab, id))?.since).toBe(gone?.at.toISOString());
    await addWorker(lab, { tasks: ['diag.later'] });
    expect(await why(lab, id)).toEqual(['ready']);
  });

  test('a queue that somebody dropped', async ({ lab }) => {
    const id = await send(lab);
    await lab.unseen(
      `UPDATE lovage.queue_control SET job_table = 'nowhere' || job_table WHERE queue = 'diag'`,
    );
    expect(await why(lab, id)).toEqual(['no_queue']);
    await lab.unseen(`UPDATE lovage.queue_control SET job_table = substr(job_table, 8) WHERE queue = 'diag'`);
    expect(await why(lab, id)).toEqual(['no_worker']);
  });
});

describe('what is full', () => {
  test('the cluster limit: how many run, since the last place was taken', async ({ lab }) => {
    await addWorker(lab);
    await limit(lab, 'max_running = 2');
    const [one, two] = [await lab.running(), await lab.running()];
    const id = await send(lab);
    expect(await explainTask(lab.lovage, lab.caller, id)).toMatchObject({
      reasons: [
        {
          reason: 'cluster_limit',
          since: (await lab.task(two.id))?.started_at?.toISOString(),
          detail: '2 of queue "diag" run, and 2 may',
        },
      ],
    });
    await lab.settle(one, succeeded);
    expect(await why(lab, id)).toEqual(['ready']);
  });

  test('a busy key: since the oldest of them started; other keys, and none, are free', async ({ lab }) => {
    await addWorker(lab);
    await limit(lab, 'max_per_key = 1');
    const holder = await send(lab, { concurrencyKey: 'acme' });
    await lab.claim();
    const [same, other, none] = [
      await send(lab, { concurrencyKey: 'acme', priority: 2 }),
      await send(lab, { concurrencyKey: 'umbrella', priority: 1 }),
      await send(lab),
    ];
    expect(await explainTask(lab.lovage, lab.caller, same)).toMatchObject({
      reasons: [
        {
          reason: 'key_busy',
          since: (await lab.task(holder))?.started_at?.toISOString(),
          detail: '1 with the key "acme" run, and 1 may',
        },
      ],
    });
    expect(await why(lab, other)).toEqual(['behind']);
    expect(await why(lab, none)).toEqual(['behind']);
  });

  test('the rate: when the next start is allowed', async ({ lab }) => {
    await addWorker(lab);
    await limit(lab, 'rate_limit = 3, rate_period_ms = 60000');
    await lab.sql(`INSERT INTO lovage.queue_start (queue, at, started) VALUES
      ('diag', now() - interval '70 s', 3), ('diag', now() - interval '50 s', 1),
      ('diag', now() - interval '20 s', 2), ('spare', now(), 3)`);
    const id = await send(lab);
    const [expected] = await lab.sql<{ next: string; full: Date }>(
      `SELECT lovage.iso_time(min(at) + interval '60 s') AS next, max(at) AS full FROM lovage.queue_start
       WHERE queue = 'diag' AND at > now() - interval '60 s'`,
    );
    expect(await explainTask(lab.lovage, lab.caller, id)).toMatchObject({
      reasons: [
        {
          reason: 'rate_limited',
          since: expected?.full.toISOString(),
          detail: `3 have started within 60000 ms, and 3 may; the next one may at ${expected?.next}`,
        },
      ],
    });
    await lab.sql(`UPDATE lovage.queue_start SET started = 1 WHERE started = 2`);
    expect(await why(lab, id)).toEqual(['ready']);
  });

  test('no free slot: every worker that could take it is full, also with other queues’ tasks', async ({
    lab,
  }) => {
    await lab.sql(
      `INSERT INTO lovage.worker (id, host, pid, queues, slots, version, tasks)
       VALUES ($1, 'here', 1, '{diag,spare}', 2, 'test', '{diag.noop}')`,
      [lab.workerId],
    );
    await addWorker(lab, { tasks: ['diag.echo'] });
    await send(lab, { queue: 'spare' });
    await lab.claim(1, 'spare');
    const id = await send(lab, { priority: -1 });
    expect(await why(lab, id)).toEqual(['ready']);
    const taken = await send(lab);
    await lab.claim(1);
    expect(await explainTask(lab.lovage, lab.caller, id)).toMatchObject({
      reasons: [
        {
          reason: 'no_free_slot',
          since: (await lab.task(taken))?.started_at?.toISOString(),
          detail: 'all 2 slots of 1 live workers are taken',
        },
      ],
    });
    await addWorker(lab);
    expect(await why(lab, id)).toEqual(['ready']);
  });

  test('behind: how many are due before it, by priority and then by age', async ({ lab }) => {
    await addWorker(lab);
    const [older, id] = [await send(lab), await send(lab)];
    await send(lab);
    await send(lab, { priority: 5 });
    await send(lab, { priority: 9, delayMs: 60_000 });
    await send(lab, { priority: -1 });
    expect(await explainTask(lab.lovage, lab.caller, id)).toMatchObject({
      reasons: [
        { reason: 'behind', detail: '2 of queue "diag" are due before it', since: (await lab.get(id)).dueAt },
      ],
    });
    expect(await first(lab, older)).toMatchObject({ detail: '1 of queue "diag" are due before it' });
    const together = await sendTasks(lab.lovage.pool, [newTask({ priority: 7 }), newTask({ priority: 7 })]);
    const behind = await Promise.all(together.map((task) => why(lab, task.id)));
    expect(behind.map(String).toSorted()).toEqual(['behind', 'ready']);
  });
});

describe('who asks', () => {
  test('another tenant, and whoever asks for an unknown or malformed id, finds nothing', async ({ lab }) => {
    const id = await send(lab);
    const notFound = { code: 'task-not-found' };
    await expect(explainTask(lab.lovage, { tenant: 'acme' }, id)).rejects.toMatchObject(notFound);
    await expect(explainTask(lab.lovage, lab.caller, randomUUID())).rejects.toMatchObject(notFound);
    await expect(explainTask(lab.lovage, lab.caller, 'nonsense')).rejects.toMatchObject(notFound);
    expect(await lab.sql('SELECT * FROM lovage.explain($1)', [randomUUID()])).toEqual([]);
  });

  test('SQL says the same', async ({ lab }) => {
    const id = await send(lab);
    expect(await lab.sql('SELECT reason, since, detail FROM lovage.explain($1)', [id])).toMatchObject([
      { reason: 'no_worker', since: expect.any(Date) as Date, detail: 'no live worker serves queue "diag"' },
    ]);
  });
});

test('with a large backlog it reads neither all tasks nor all jobs, and neither does the list of queues', async ({
  lab,
}) => {
  await addWorker(lab);
  const table = await lab.partition('diag');
  await lab.unseen(`WITH added AS (
      INSERT INTO lovage.task (id, name, queue, input, events)
      SELECT lovage.uuid_v7(), 'diag.noop', 'diag', '{}', 0 FROM generate_series(1, 120000) RETURNING id)
    INSERT INTO ${table} (id, name, data, retry_limit, policy)
    SELECT id, 'diag', '{"name": "diag.noop"}', 1000000000, 'standard' FROM added`);
  const id = await send(lab);
  const read = await rowsRead(lab, async (pool) => {
    const { reasons } = await explainTask({ pool }, lab.caller, id);
    expect(reasons).toMatchObject([
      { reason: 'behind', detail: 'at least 10000 of queue "diag" are due before it' },
    ]);
    const { items } = await listQueues({ pool });
    const diag = items.find(({ name }) => name === 'diag');
    expect(diag).toMatchObject({ waitingIsMore: true, running: null });
    expect(diag?.waiting).toBeGreaterThan(10_000);
  });
  expect(read.scans).toBe(0);
  expect(read.tasks).toBeLessThan(10);
  expect(read.jobs).toBeLessThan(25_000);

  const busy = table.replace(/"$/, '_busy"');
  await lab.sql(
    `CREATE INDEX ${busy.replace('pgboss.', '')} ON ${table} (singleton_key) WHERE state = 'active' AND length(name) > 0`,
  );
  await limit(lab, 'max_running = 1');
  await lab.claim(1);
  const limited = await rowsRead(lab, async (pool) => {
    const { reasons } = await explainTask({ pool }, lab.caller, id);
    expect(reasons.map(({ reason }) => reason)).toEqual(['cluster_limit', 'behind']);
    const { items } = await listQueues({ pool });
    expect(items.find(({ name }) => name === 'diag')).toMatchObject({ running: 1 });
  });
  expect(limited.scans).toBe(0);
  expect(limited.jobs).toBeLessThan(25_000);
  await lab.sql(`DROP INDEX ${busy}`);
  await lab.unseen('DELETE FROM pgboss.job; DELETE FROM lovage.task; DELETE FROM lovage.task_event');
  await lab.sql(`VACUUM ${table}`);
});

/** On a connection that ends with it: a session hands in its counts at its end. */
async function rowsRead(lab: JournalLab, work: (pool: pg.Pool) => Promise<void>) {
  const table = await lab.partition('diag');
  const counters = async () => {
    const [row] = await lab.sql<{ scans: number; jobs: number; tasks: number }>(
      `SELECT sum(seq_scan)::int AS scans,
              sum(seq_tup_read + idx_tup_fetch) FILTER (WHERE relid = '${table}'::regclass)::int AS jobs,
              sum(seq_tup_read + idx_tup_fetch) FILTER (WHERE relid = 'lovage.task'::regclass)::int AS tasks
       FROM pg_stat_all_tables WHERE relid IN ('${table}'::regclass, 'lovage.task'::regclass)`,
    );
    return row ?? { scans: 0, jobs: 0, tasks: 0 };
  };
  const before = await counters();
  const pool = new pg.Pool({ connectionString: lab.url, max: 1, application_name: 'apart' });
  try {
    await work(pool);
  } finally {
    await pool.end();
  }
  await until(
    async () => (await lab.sql(`SELECT FROM pg_stat_activity WHERE application_name = 'apart'`)).length === 0,
  );
  const after = await counters();
  return {
    scans: after.scans - before.scans,
    jobs: after.jobs - before.jobs,
    tasks: after.tasks - before.tasks,
  };
}
