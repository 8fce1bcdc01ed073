import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { describe } from 'vitest';
import { createLog } from '../../src/log.ts';
import { openClaims, type Claimed } from '../../src/queue/claim.ts';
import { nextDue } from '../../src/queue/due.ts';
import { declareQueues } from '../../src/queue/declare.ts';
import { sendTasks, type NewTask } from '../../src/queue/send.ts';
import { settleAttempts, type Outcome } from '../../src/queue/settle.ts';
import { sleep } from '../../packs/diag/tasks.ts';
import { openWire } from '../worker/processes.ts';
import { capped, rated } from '../fixtures/limits.ts';
import {
  expect,
  handedBack,
  newTask,
  onConnection,
  retrying,
  succeeded,
  test,
  until,
  type JournalLab,
} from '../journal/journal-lab.ts';
import { mostStarts, overlaps } from './limits-history.ts';

const CLAIMERS = 8;
const NO_LIMITS = [null, null, null, null];
const setLimits = (lab: JournalLab, queue: string, limits: (number | null)[]) =>
  lab.sql('SELECT lovage.set_limits($1, $2, $3, $4, $5)', [queue, ...limits]);

const inQueue = (lab: JournalLab, queue: string, count: number, change: Partial<NewTask> = {}) =>
  sendTasks(
    lab.lovage.pool,
    Array.from({ length: count }, () => newTask({ queue, ...change })),
  );

interface Claimer {
  id: string;
  claim: (queue: string, limit: number) => Promise<Claimed>;
  settle: (queue: string, claims: Claimed, outcome: Outcome) => Promise<void>;
}

/** As many workers as claim from as many processes, each with a pool of its own. */
async function withClaimers(lab: JournalLab, count: number, work: (claimer: Claimer) => Promise<void>) {
  await Promise.all(
    Array.from({ length: count }, async () => {
      const pool = new pg.Pool({ connectionString: lab.url, max: 2 });
      const id = randomUUID();
      const claims = await openClaims(pool, id, createLog({ level: 'silent' }));
      const settle: Claimer['settle'] = async (queue, { tasks }, outcome) => {
        const settlements = tasks.map((task) => ({ ...task, progress: null, events: [], ...outcome }));
        if (tasks.length > 0) await settleAttempts(pool, queue, id, settlements);
      };
      try {
        await work({ id, claim: claims.claim, settle });
      } finally {
        await claims.close();
        await pool.end();
      }
    }),
  );
}

const whenSomebodyWaits = (lab: JournalLab) =>
  until(
    async () =>
      (
        await lab.sql(
          "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
      ).length > 0,
  );

const leftIn = async (lab: JournalLab, queue: string) =>
  (await lab.sql<{ n: number }>('SELECT count(*)::int AS n FROM pgboss.job WHERE name = $1', [queue]))[0]
    ?.n ?? 0;

test('what the configuration says of a queue is written down, and again when it says otherwise', async ({
  lab,
}) => {
  const controls = () =>
    lab.sql(
      `SELECT queue, max_running, max_per_key, rate_limit, rate_period_ms,
              to_regclass(format('pgboss.%I', job_table || '_busy')) IS NOT NULL AS indexed
       FROM lovage.queue_control WHERE queue IN ('capped', 'diag', 'keyed', 'rated') ORDER BY queue`,
    );
  const none = {
    max_running: null,
    max_per_key: null,
    rate_limit: null,
    rate_period_ms: null,
    indexed: false,
  };
  const declared = [
    { ...none, queue: 'capped', max_running: 1, indexed: true },
    { ...none, queue: 'diag' },
    { ...none, queue: 'keyed', max_per_key: 1, indexed: true },
    { ...none, queue: 'rated', rate_limit: 5, rate_period_ms: 500 },
  ];
  expect(await controls()).toEqual(declared);

  const { config } = lab.lovage;
  await lab.sql("UPDATE lovage.queue_control SET paused_at = now() WHERE queue = 'capped'");
  const queues = new Map([
    ['capped', {}],
    ['diag', { clusterConcurrency: 7 }],
    ['keyed', { perKey: 2 }],
    ['rated', { rate: { limit: 1, periodMs: 60_000 } }],
  ]);
  await onConnection(lab.url, (client) => declareQueues(client, { ...config, queues }, { changes: false }));
  expect(await controls()).toEqual(declared);
  await onConnection(lab.url, (client) => declareQueues(client, { ...config, queues }));
  expect(await controls()).toEqual([
    { ...none, queue: 'capped' },
    { ...none, queue: 'diag', max_running: 7, indexed: true },
    { ...none, queue: 'keyed', max_per_key: 2, indexed: true },
    { ...none, queue: 'rated', rate_limit: 1, rate_period_ms: 60_000 },
  ]);
  expect(await lab.sql('SELECT queue FROM lovage.queue_control WHERE paused_at IS NOT NULL')).toEqual([
    { queue: 'capped' },
  ]);

  await lab.sql('UPDATE lovage.queue_control SET paused_at = NULL');
  await onConnection(lab.url, (client) => declareQueues(client, config));
  expect(await controls()).toEqual(declared);
});

describe('with eight claimers on connections of their own', () => {
  test('a cap of one is never exceeded once', async ({ lab }) => {
    const TASKS = 80;
    await inQueue(lab, 'capped', TASKS);
    let running = 0;
    let most = 0;
    const outcomes = [succeeded, succeeded, retrying(0), handedBack];
    await withClaimers(lab, CLAIMERS, async ({ claim, settle }) => {
      for (let round = 0; (await leftIn(lab, 'capped')) > 0; round += 1) {
        const claims = await claim('capped', 10);
        running += claims.tasks.length;
        most = Math.max(most, running);
        const [task] = claims.tasks;
        if (!task) continue;
        running -= 1;
        await settle('capped', claims, task.attempt > 3 ? succeeded : (outcomes[round % 4] ?? succeeded));
      }
    });
    expect(most).toBe(1);
    expect(await overlaps(lab, 'capped')).toEqual([]);
    const [starts] = await lab.sql<{ n: number }>(
      "SELECT count(*)::int AS n FROM lovage.task_event WHERE type = 'started'",
    );
    expect(starts?.n).toBeGreaterThan(TASKS);
  });

  test('a cap of three is reached and not exceeded', async ({ lab }) => {
    await setLimits(lab, 'spare', [3, null, null, null]);
    await inQueue(lab, 'spare', 60);
    const most = { running: 0 };
    await withClaimers(lab, CLAIMERS, async ({ claim, settle }) => {
      while ((await leftIn(lab, 'spare')) > 0) {
        const claims = await claim('spare', 2);
        const [row] = await lab.sql<{ n: number }>(
          "SELECT count(*)::int AS n FROM pgboss.job WHERE state = 'active'",
        );
        most.running = Math.max(most.running, row?.n ?? 0);
        await settle('spare', claims, succeeded);
      }
    });
    expect(most.running).toBe(3);
    await setLimits(lab, 'spare', NO_LIMITS);
  });

  test('a rate is used up and not overshot in any window', async ({ lab }) => {
    await setLimits(lab, 'rated', [null, null, 7, 200]);
    await inQueue(lab, 'rated', 20);
    await withClaimers(lab, CLAIMERS, async ({ claim, settle }) => {
      while ((await leftIn(lab, 'rated')) > 0) {
        const claims = await claim('rated', 3);
        await settle(
          'rated',
          claims,
          claims.tasks.some((task) => task.attempt === 1) ? handedBack : succeeded,
        );
      }
    });
    expect(await mostStarts(lab, 'rated', 200)).toBe(7);
    const [span] = await lab.sql<{ ms: number; starts: number }>(
      `SELECT (extract(epoch FROM max(at) - min(at)) * 1000)::float8 AS ms, count(*)::int AS starts
       FROM lovage.task_event WHERE type = 'started'`,
    );
    expect(span?.starts).toBeGreaterThanOrEqual(40);
    // Starts 1 to 7 at once, and each further seven 200 ms after the seven before.
    expect(span?.ms).toBeGreaterThan(200 * (Math.ceil(40 / 7) - 1));
    await setLimits(lab, 'rated', [null, null, 5, 500]);
  });

  test('no two tasks of one key run at a time, while those of others do', async ({ lab }) => {
    for (const concurrencyKey of ['a', 'b', 'c', null]) await inQueue(lab, 'keyed', 30, { concurrencyKey });
    await withClaimers(lab, CLAIMERS, async ({ claim, settle }) => {
      while ((await leftIn(lab, 'keyed')) > 0) await settle('keyed', await claim('keyed', 4), succeeded);
    });
    for (const key of ['a', 'b', 'c']) expect(await overlaps(lab, 'keyed', key)).toEqual([]);
    expect(await overlaps(lab, 'keyed')).not.toEqual([]);
  });

  test('a limit that comes while they claim holds from its commit on', async ({ lab }) => {
    await inQueue(lab, 'spare', 2_000);
    let settled = 0;
    let limited = false;
    const exceeded: number[] = [];
    const change = until(() => settled > 100).then(() => setLimits(lab, 'spare', [1, null, null, null]));
    const claiming = withClaimers(lab, CLAIMERS, async ({ claim, settle }) => {
      while (settled < 200) {
        const wasLimited = limited;
        const claims = await claim('spare', 5);
        if (wasLimited && claims.tasks.length > 1) exceeded.push(claims.tasks.length);
        settled += claims.tasks.length;
        await settle('spare', claims, succeeded);
      }
    });
    await change;
    limited = true;
    const [commit] = await lab.sql('SELECT clock_timestamp() AS at');
    await claiming;
    expect(exceeded).toEqual([]);
    expect(await overlaps(lab, 'spare', undefined, commit?.['at'])).toEqual([]);
    await setLimits(lab, 'spare', NO_LIMITS);
  });
});

test('a limit waits for the claims that know of none, and counts what they took', async ({ lab }) => {
  await inQueue(lab, 'spare', 5);
  await onConnection(lab.url, async (client) => {
    const db = { executeSql: (text: string, values?: unknown[]) => client.query(text, values) };
    await client.query('BEGIN');
    await client.query("SELECT lovage.begin_claim('spare', $1)", [lab.workerId]);
    const limiting = setLimits(lab, 'spare', [2, null, null, null]);
    await whenSomebodyWaits(lab);
    expect(await lab.boss.fetch('spare', { batchSize: 2, db })).toHaveLength(2);
    await client.query('COMMIT');
    await limiting;
  });
  expect(await lab.claim(5, 'spare')).toEqual([]);
  await setLimits(lab, 'spare', NO_LIMITS);
});

test('the tasks of a claim start when the place came free, not when the claim began to wait for it', async ({
  lab,
}) => {
  const { id } = await lab.enqueue(capped, {});
  const claiming = await onConnection(lab.url, async (client) => {
    await client.query('BEGIN');
    await client.query("SELECT FROM lovage.queue_control WHERE queue = 'capped' FOR UPDATE");
    const claim = lab.claim(1, 'capped');
    await whenSomebodyWaits(lab);
    const [{ at } = { at: new Date() }] = await lab.sql<{ at: Date }>('SELECT clock_timestamp() AS at');
    await client.query('COMMIT');
    return { at, claims: await claim };
  });
  expect(claiming.claims).toMatchObject([{ id, attempt: 1 }]);
  const task = await lab.task(id);
  expect(task?.started_at?.getTime()).toBeGreaterThanOrEqual(claiming.at.getTime());
  expect(Date.parse((await lab.events(id)).at(-1)?.at ?? '')).toBe(task?.started_at?.getTime());
});

test('a claim takes no more of a key than it has places, and other keys instead', async ({ lab }) => {
  await setLimits(lab, 'keyed', [null, 2, null, null]);
  for (let round = 0; round < 7; round += 1)
    for (const concurrencyKey of ['a', 'b', 'c']) await inQueue(lab, 'keyed', 1, { concurrencyKey });
  const keysOf = async () =>
    lab.sql(
      `SELECT singleton_key AS key, count(*)::int AS running FROM pgboss.job WHERE state = 'active' GROUP BY 1 ORDER BY 1`,
    );

  expect(await lab.claim(10, 'keyed')).toHaveLength(6);
  expect(await keysOf()).toEqual(['a', 'b', 'c'].map((key) => ({ key, running: 2 })));
  expect(await lab.claim(5, 'keyed')).toEqual([]);
  await inQueue(lab, 'keyed', 3, { concurrencyKey: null });
  expect(await lab.claim(5, 'keyed')).toHaveLength(3);
  await setLimits(lab, 'keyed', [null, 1, null, null]);
});

test('a busy key with thousands of waiting tasks does not hold up others, and they keep their order', async ({
  lab,
}) => {
  await inQueue(lab, 'keyed', 5_000, { concurrencyKey: 'busy', priority: 9 });
  expect(await lab.claim(10, 'keyed')).toHaveLength(1);
  const [third] = await inQueue(lab, 'keyed', 2, { concurrencyKey: 'low' });
  const [first] = await inQueue(lab, 'keyed', 2, { concurrencyKey: 'high', priority: 3 });
  const [second] = await inQueue(lab, 'keyed', 1, { priority: 2 });
  const [fourth] = await inQueue(lab, 'keyed', 1);
  expect((await lab.claim(3, 'keyed')).map(({ id }) => id)).toEqual([first?.id, second?.id, third?.id]);
  expect((await lab.claim(10, 'keyed')).map(({ id }) => id)).toEqual([fourth?.id]);
});

test('nor does it hold up thousands of other keys', async ({ lab }) => {
  await inQueue(lab, 'keyed', 5_000, { concurrencyKey: 'busy' });
  expect(await lab.claim(10, 'keyed')).toHaveLength(1);
  const others = Array.from({ length: 1_500 }, (_, n) =>
    newTask({ queue: 'keyed', concurrencyKey: `k${n % 1_200}` }),
  );
  const ids = (await sendTasks(lab.lovage.pool, others)).map(({ id }) => id);
  expect((await lab.claim(1_000, 'keyed')).map(({ id }) => id)).toEqual(ids.slice(0, 1_000));
  expect((await lab.claim(1_000, 'keyed')).map(({ id }) => id)).toEqual(ids.slice(1_000, 1_200));
});

test('a task that somebody holds locked is passed over, and its key with no other', async ({ lab }) => {
  const [held] = await inQueue(lab, 'keyed', 1, { concurrencyKey: 'a', priority: 5 });
  const [next] = await inQueue(lab, 'keyed', 1, { concurrencyKey: 'a', priority: 4 });
  const [other] = await inQueue(lab, 'keyed', 1, { concurrencyKey: 'b' });
  await inQueue(lab, 'keyed', 1, { concurrencyKey: 'b' });
  await onConnection(lab.url, async (client) => {
    await client.query('BEGIN');
    await client.query('SELECT FROM pgboss.job WHERE id = $1 FOR UPDATE', [held?.id]);
    expect((await lab.claim(3, 'keyed')).map(({ id }) => id).toSorted()).toEqual([next?.id, other?.id]);
    await client.query('COMMIT');
  });
});

test('within limits too the most urgent start first, then the oldest, and none before its time', async ({
  lab,
}) => {
  await setLimits(lab, 'capped', [3, null, null, null]);
  const later = await lab.enqueue(capped, {}, { priority: 9, delayMs: 60_000 });
  const ids: string[] = [];
  for (const priority of [0, 5, 0, 7]) ids.push((await lab.enqueue(capped, {}, { priority })).id);
  expect((await lab.claim(9, 'capped')).map(({ id }) => id)).toEqual([ids[3], ids[1], ids[0]]);
  expect(await lab.task(later.id)).toMatchObject({ state: 'queued' });
  await setLimits(lab, 'capped', [1, null, null, null]);
});

test('a claim says how long the rate, and that a cap or a pause holds it back', async ({ lab }) => {
  await withClaimers(lab, 1, async ({ claim, settle }) => {
    await setLimits(lab, 'rated', NO_LIMITS);
    await setLimits(lab, 'rated', [null, null, 2, 60_000]);
    await inQueue(lab, 'rated', 5);
    const free = { waitMs: null, isHeld: false };
    expect(await claim('rated', 1)).toMatchObject({ tasks: [{}], ...free });
    const rest = await claim('rated', 3);
    expect(rest).toMatchObject({ tasks: [{}], isHeld: false, isLimited: false });
    expect(rest.waitMs).toBeGreaterThan(50_000);
    expect(rest.waitMs).toBeLessThanOrEqual(60_000);
    expect((await claim('rated', 3)).tasks).toEqual([]);
    await setLimits(lab, 'rated', [null, null, 5, 500]);

    await inQueue(lab, 'capped', 2);
    const first = await claim('capped', 2);
    expect(first).toMatchObject({ tasks: [{}], waitMs: null, isHeld: true, isLimited: true });
    await settle('capped', first, succeeded);
    expect(await claim('capped', 1)).toMatchObject({ tasks: [{}], ...free });

    await inQueue(lab, 'diag', 1);
    await lab.sql("UPDATE lovage.queue_control SET paused_at = now() WHERE queue = 'diag'");
    expect(await claim('diag', 1)).toMatchObject({ tasks: [], waitMs: null, isHeld: true });
    await lab.sql('UPDATE lovage.queue_control SET paused_at = NULL');
    expect(await claim('diag', 1)).toMatchObject({ tasks: [{}], isHeld: false });
    expect(await claim('diag', 1)).toMatchObject({ tasks: [], isHeld: false });
  });
});

test.for(['diag', 'capped'])(
  'a pause of %s is obeyed from its commit on, and by the look for work',
  async (queue, { lab }) => {
    await inQueue(lab, queue, 1);
    await lab.sql('UPDATE lovage.queue_control SET paused_at = now() WHERE queue = $1', [queue]);
    expect(await lab.claim(1, queue)).toEqual([]);
    expect(await nextDue(lab.lovage.pool, [queue])).toEqual([{ queue, ready: false, dueInMs: null }]);
    await lab.sql('UPDATE lovage.queue_control SET paused_at = NULL');
    expect(await nextDue(lab.lovage.pool, [queue])).toEqual([{ queue, ready: true, dueInMs: null }]);
    expect(await lab.claim(1, queue)).toHaveLength(1);
  },
);

test('a pause waits for a claim that is under way, and the next claim for the pause', async ({ lab }) => {
  await inQueue(lab, 'capped', 1);
  const claimed = await onConnection(lab.url, async (client) => {
    await client.query('BEGIN');
    await client.query("UPDATE lovage.queue_control SET paused_at = now() WHERE queue = 'capped'");
    const claim = lab.claim(1, 'capped');
    await whenSomebodyWaits(lab);
    await client.query('COMMIT');
    return claim;
  });
  expect(claimed).toEqual([]);
  await lab.sql('UPDATE lovage.queue_control SET paused_at = NULL');
});

test('a retry and a hand-back start within the limits as well, under the next number', async ({ lab }) => {
  const { id } = await lab.enqueue(capped, {});
  for (const [attempt, outcome] of [retrying(0), handedBack, succeeded].entries()) {
    const [claim] = await lab.claim(5, 'capped');
    if (!claim) throw new Error('the place was not free again');
    expect(claim).toMatchObject({ id, attempt: attempt + 1, failures: Math.min(attempt, 1) });
    await lab.settle(claim, outcome);
  }
  expect(await lab.history(id)).toEqual([
    'queued 0',
    'started 1',
    'retrying 1',
    'started 2',
    'handed_back 2',
    'started 3',
    'succeeded 3',
  ]);
});

test('a claim leaves nothing of what the attempt before was marked with', async ({ lab }) => {
  const claim = await lab.running();
  await lab.sql("UPDATE lovage.task SET overdue_at = now(), cancel_outcome = 'obeyed' WHERE id = $1", [
    claim.id,
  ]);
  await lab.settle(claim, handedBack);
  await lab.claim();
  expect(await lab.task(claim.id)).toMatchObject({
    state: 'running',
    overdue_at: null,
    cancel_outcome: null,
  });
});

test('starts older than the period are forgotten, and all of them when the rate goes', async ({ lab }) => {
  await setLimits(lab, 'rated', [null, null, 3, 20]);
  await inQueue(lab, 'rated', 9);
  const logged = () => lab.sql("SELECT started FROM lovage.queue_start WHERE queue = 'rated'");
  for (let round = 0; round < 3; round += 1)
    await until(async () => (await lab.claim(3, 'rated')).length > 0);
  expect((await logged()).length).toBeLessThan(3);
  await setLimits(lab, 'rated', NO_LIMITS);
  expect(await logged()).toEqual([]);
  await setLimits(lab, 'rated', [null, null, 5, 500]);
});

test('claims within limits, settles, cancels and changes of limits do not deadlock', async ({ lab }) => {
  await setLimits(lab, 'keyed', [6, 2, 1_000, 1_000]);
  for (const concurrencyKey of ['a', 'b', 'c', null]) await inQueue(lab, 'keyed', 35, { concurrencyKey });
  const deadlocks = async () =>
    (
      await lab.sql<{ n: number }>(
        'SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = current_database()',
      )
    )[0]?.n;
  const before = await deadlocks();
  const working = { claimers: CLAIMERS };
  const operate = async () => {
    for (let round = 0; working.claimers > 0; round += 1) {
      await lab.sql(
        `SELECT lovage.cancel(id) FROM (SELECT id FROM pgboss.job WHERE name = 'keyed' ORDER BY md5(id::text || $1) LIMIT 1) j`,
        [String(round)],
      );
      await setLimits(lab, 'keyed', [4 + (round % 3), 2, 1_000, 1_000]);
    }
  };
  await Promise.all([
    operate(),
    withClaimers(lab, CLAIMERS, async ({ claim, settle }) => {
      while ((await leftIn(lab, 'keyed')) > 0) {
        const claims = await claim('keyed', 3);
        await settle(
          'keyed',
          claims,
          claims.tasks.some((task) => task.attempt === 1) ? retrying(0) : succeeded,
        );
      }
      working.claimers -= 1;
    }),
  ]);
  expect(await deadlocks()).toBe(before);
  await setLimits(lab, 'keyed', [null, 1, null, null]);
});

test('a worker of a rated queue starts what waits as soon as the rate allows', async ({ lab }) => {
  const worker = await lab.worker({ queues: ['rated'] });
  const ids = await Promise.all(Array.from({ length: 12 }, async () => (await lab.enqueue(rated, {})).id));
  for (const id of ids) await lab.final(id);
  expect(await mostStarts(lab, 'rated', 500)).toBe(5);
  const [span] = await lab.sql<{ ms: number }>(
    `SELECT (extract(epoch FROM max(at) - min(at)) * 1000)::float8 AS ms FROM lovage.task_event WHERE type = 'started'`,
  );
  expect(span?.ms).toBeGreaterThan(1_000);
  // Two looks that come every 2 s.
  expect(span?.ms).toBeLessThan(4_000);
  await worker.drain(0);
});

test('a place that its worker has no slot for is taken by another at once', async ({ lab }) => {
  const [long] = await inQueue(lab, 'capped', 1, { name: 'diag.sleep', input: { ms: 60_000 } });
  const full = await lab.worker({ queues: ['diag', 'capped'], slots: 1 });
  await until(async () => (await lab.task(long?.id ?? ''))?.state === 'running');
  await lab.enqueue(sleep, { ms: 5_000 });
  await using wire = await openWire(lab.url);
  const free = await lab.worker({ queues: ['capped'], url: wire.url });
  const next = await lab.enqueue(capped, {});
  const looks = wire.sent('lovage_next_due');
  await until(() => wire.sent('lovage.claimed') > 0 && wire.sent('lovage_next_due') > looks);
  await lab.sql('SELECT lovage.cancel($1)', [long?.id]);
  await lab.final(next.id);
  const [gap] = await lab.sql<{ ms: number }>(
    `SELECT (extract(epoch FROM n.started_at - l.finished_at) * 1000)::float8 AS ms
     FROM lovage.task l, lovage.task n WHERE l.id = $1 AND n.id = $2`,
    [long?.id, next.id],
  );
  // Its next look would come two seconds after the last.
  expect(gap?.ms).toBeLessThan(1_500);
  await Promise.all([full.drain(0), free.drain(0)]);
});

test('a worker does not ask again and again for what limits and pauses hold back', async ({ lab }) => {
  await inQueue(lab, 'capped', 3);
  await inQueue(lab, 'rated', 3);
  await inQueue(lab, 'diag', 3);
  await setLimits(lab, 'rated', [null, null, 1, 60_000]);
  await lab.claim(1, 'capped');
  await lab.claim(1, 'rated');
  await lab.sql("UPDATE lovage.queue_control SET paused_at = now() WHERE queue = 'diag'");
  await using wire = await openWire(lab.url);
  const worker = await lab.worker({ queues: ['capped', 'rated', 'diag'], url: wire.url });
  await until(() => wire.sent('lovage_next_due') > 1);
  const asked = () => wire.sent('lovage.claimed') + wire.sent('lovage_next_due');
  const [before, from] = [asked(), performance.now()];
  await until(() => performance.now() - from > 1_000);
  expect(asked() - before).toBeLessThan(10);
  await lab.sql('UPDATE lovage.queue_control SET paused_at = NULL');
  await worker.drain(0);
  await setLimits(lab, 'rated', NO_LIMITS);
  await setLimits(lab, 'rated', [null, null, 5, 500]);
});
