import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { beforeEach, describe } from 'vitest';
import type { Claim } from '../../src/queue/claim.ts';
import { ALL_SIGNS, rescueTasks, type Signs } from '../../src/worker/lease/rescue.ts';
import { expect, onConnection, succeeded, test, type JournalLab } from '../journal/journal-lab.ts';

const KEY = '4611686018427387905';
const EPOCH = 'SELECT lovage.server_epoch()';
const NO_SIGNS: Signs = { deadlineMs: null, patienceMs: null };

/** The worker that the lab plays has a lease of this server, and nobody holds it. */
beforeEach<{ lab: JournalLab }>(async ({ lab }) => {
  await lab.sql('DELETE FROM lovage.server_start; SELECT lovage.see_server()');
  await worker(
    lab,
    `heartbeat_at = now(), lost_at = NULL, suspect_at = NULL, draining = false, lease_key = ${KEY}, lease_epoch = (${EPOCH})`,
  );
});

const worker = (lab: JournalLab, set: string) =>
  lab.sql(`UPDATE lovage.worker SET ${set} WHERE id = $1`, [lab.workerId]);
const rescue = (lab: JournalLab, signs?: Signs) => rescueTasks(lab.lovage.pool, signs);
const secondsPass = (lab: JournalLab, column: string, seconds: number) =>
  worker(lab, `${column} = ${column} - interval '${seconds} s'`);

/** What another worker sees when it looks. */
async function look(lab: JournalLab, { deadlineMs, patienceMs } = ALL_SIGNS, looker: string = randomUUID()) {
  const rows = await lab.sql<{ verdict: string }>(
    `SELECT w.verdict FROM lovage.watch_workers((${EPOCH}), $1 * interval '1 ms', $2 * interval '1 ms', $3) w`,
    [deadlineMs, patienceMs, looker],
  );
  return rows.map(({ verdict }) => verdict);
}

/** Its process lives as long as this connection. */
async function holdLease(lab: JournalLab) {
  const client = new pg.Client({ connectionString: lab.url });
  await client.connect();
  await client.query('SELECT pg_advisory_lock($1)', [KEY]);
  return { [Symbol.asyncDispose]: () => client.end() };
}

async function crash(lab: JournalLab): Promise<Claim> {
  const claim = await lab.running();
  await crashAgain(lab);
  return claim;
}

async function crashAgain(lab: JournalLab) {
  await worker(lab, `lost_at = NULL, suspect_at = now() - interval '1 s'`);
  return rescue(lab);
}

describe('a worker', () => {
  test('whose lease is free is a suspect at first sight and dead a full second later', async ({ lab }) => {
    const { id } = await lab.running();
    expect([await look(lab), await look(lab), await rescue(lab)]).toEqual([['suspect'], ['suspect'], []]);
    await secondsPass(lab, 'suspect_at', 0.9);
    expect(await look(lab)).toEqual(['suspect']);
    await secondsPass(lab, 'suspect_at', 0.1);
    expect(await look(lab)).toEqual(['crashed']);

    expect(await rescue(lab)).toMatchObject([
      { task_id: id, queue: 'diag', worker_id: lab.workerId, is_crash: true, state: 'queued' },
    ]);
    expect(await lab.task(id)).toMatchObject({ state: 'queued', crashes: 1, failures: 0, attempt: 1 });
    expect(await lab.history(id)).toEqual(['queued 0', 'started 1', 'rescued 1']);
    expect([await look(lab), await rescue(lab)]).toEqual([[], []]);
  });

  test('that takes its lease again is no suspect, though it has not said so yet', async ({ lab }) => {
    const { id } = await lab.running();
    expect(await look(lab)).toEqual(['suspect']);
    await secondsPass(lab, 'suspect_at', 5);
    {
      await using lease = await holdLease(lab);
      void lease;
      expect([await look(lab), await rescue(lab)]).toEqual([[], []]);
    }
    expect([await look(lab), await rescue(lab)]).toEqual([['suspect'], []]);
    expect(await lab.task(id)).toMatchObject({ state: 'running', crashes: 0 });
  });

  test('that is frozen, its lease held and its heartbeat past the deadline, counts no crash', async ({
    lab,
  }) => {
    await using lease = await holdLease(lab);
    void lease;
    const claim = await lab.running();
    await secondsPass(lab, 'heartbeat_at', 14);
    expect([await look(lab), await rescue(lab)]).toEqual([[], []]);
    await secondsPass(lab, 'heartbeat_at', 2);
    expect(await look(lab)).toEqual(['lost']);

    expect(await rescue(lab)).toMatchObject([{ task_id: claim.id, is_crash: false }]);
    expect(await lab.task(claim.id)).toMatchObject({ state: 'queued', crashes: 0, failures: 0 });
    expect((await lab.events(claim.id)).at(-1)).toMatchObject({ data: { reason: 'its worker fell silent' } });
    expect(await lab.settle(claim, succeeded)).toBeNull();
  });

  test('past its deadline with a free lease is dead at first sight', async ({ lab }) => {
    const { id } = await lab.running();
    await secondsPass(lab, 'heartbeat_at', 16);
    expect(await rescue(lab)).toMatchObject([{ task_id: id, is_crash: true }]);
  });

  test('from before the server started again is judged by its heartbeat alone, from that start on', async ({
    lab,
  }) => {
    const { id } = await lab.running();
    await worker(lab, `lease_epoch = 'an earlier one', suspect_at = now() - interval '1 hour'`);
    await secondsPass(lab, 'heartbeat_at', 60);
    expect([await look(lab), await rescue(lab)]).toEqual([[], []]);
    await lab.sql(`UPDATE lovage.server_start SET seen_at = now() - interval '16 s'`);
    expect(await look(lab)).toEqual(['crashed']);
    expect(await rescue(lab)).toMatchObject([{ task_id: id, is_crash: true }]);
  });

  test('that has but a heartbeat is dead when that is past its deadline, and not before', async ({ lab }) => {
    const { id } = await lab.running();
    await worker(lab, 'lease_key = NULL');
    expect([await look(lab), await rescue(lab)]).toEqual([[], []]);
    await secondsPass(lab, 'heartbeat_at', 16);
    expect(await rescue(lab)).toMatchObject([{ task_id: id, is_crash: true }]);
  });

  test('that ended while it drained leaves tasks, and no crash', async ({ lab }) => {
    const { id } = await lab.running();
    await worker(lab, `draining = true, suspect_at = now() - interval '1 s'`);
    expect(await rescue(lab)).toMatchObject([{ task_id: id, is_crash: false }]);
    expect(await lab.task(id)).toMatchObject({ state: 'queued', crashes: 0 });
  });
});

test('one who was cut off himself trusts neither a free lease nor an old heartbeat', async ({ lab }) => {
  await lab.running();
  expect(await look(lab, NO_SIGNS)).toEqual([]);
  await worker(lab, `suspect_at = now() - interval '1 hour', heartbeat_at = now() - interval '1 hour'`);
  expect([await look(lab, NO_SIGNS), await rescue(lab, NO_SIGNS)]).toEqual([[], []]);
});

test('nobody suspects himself', async ({ lab }) => {
  await secondsPass(lab, 'heartbeat_at', 60);
  expect(await look(lab, ALL_SIGNS, lab.workerId)).toEqual([]);
});

test('a task runs again at once after its first crash, later after the second, and not after the third', async ({
  lab,
}) => {
  const { id } = await crash(lab);
  const [again] = await lab.claim();
  expect(again).toMatchObject({ id, attempt: 2, crashes: 1 });

  expect(await crashAgain(lab)).toMatchObject([{ state: 'queued' }]);
  expect(await lab.claim()).toEqual([]);
  await lab.sql('UPDATE pgboss.job SET start_after = now() WHERE id = $1', [id]);
  expect(await lab.claim()).toMatchObject([{ id, attempt: 3, crashes: 2 }]);

  expect(await crashAgain(lab)).toMatchObject([{ task_id: id, is_crash: true, state: 'failed' }]);
  expect(await lab.task(id)).toMatchObject({
    state: 'failed',
    crashes: 3,
    failures: 0,
    error: { code: 'crashed', message: 'its worker died' },
  });
  expect(await lab.job(id)).toBeUndefined();
});

test('a task that somebody wants cancelled does not run again', async ({ lab }) => {
  const { id } = await lab.running();
  await lab.sql('SELECT lovage.cancel($1)', [id]);
  expect(await crashAgain(lab)).toMatchObject([{ task_id: id, state: 'cancelled' }]);
  const [task] = await lab.sql('SELECT state, cancel_outcome FROM lovage.task WHERE id = $1', [id]);
  expect(task).toEqual({ state: 'cancelled', cancel_outcome: 'abandoned' });
});

test('of two rescuers each takes what the other has not, and waits for nobody', async ({ lab }) => {
  const { id } = await lab.running();
  await worker(lab, `suspect_at = now() - interval '1 s'`);
  const other = await lab.lovage.pool.connect();
  try {
    await other.query('BEGIN');
    expect(await rescueTasks(other)).toHaveLength(1);
    const beside = await onConnection(lab.url, async (client) => {
      await client.query("SET lock_timeout = '2s'");
      return rescueTasks(client);
    });
    expect(beside).toEqual([]);
    await other.query('COMMIT');
  } finally {
    other.release();
  }
  expect(await rescue(lab)).toEqual([]);
  expect(await lab.task(id)).toMatchObject({ crashes: 1 });
});

test('a claim of a dead worker that came through after its rescue is found by the next one', async ({
  lab,
}) => {
  await crash(lab);
  const [late] = await lab.claim();
  expect(await rescue(lab)).toEqual([]);
  expect(await rescueTasks(lab.lovage.pool, NO_SIGNS, [lab.workerId])).toMatchObject([
    { task_id: late?.id, is_crash: false, state: 'queued' },
  ]);

  // It was frozen, and is back: what it claims now is its own.
  await lab.claim();
  await worker(lab, 'lost_at = NULL');
  expect(await rescueTasks(lab.lovage.pool, NO_SIGNS, [lab.workerId])).toEqual([]);
});

describe('with a large backlog', () => {
  const BACKLOG = 20_000;
  const usage = `SELECT relname::text AS name, seq_scan::int AS scans FROM pg_stat_xact_user_tables
                 WHERE schemaname IN ('lovage', 'pgboss') AND seq_scan + coalesce(idx_scan, 0) > 0 ORDER BY 1`;

  /** On a connection of its own, which has read nothing before. */
  const reads = (lab: JournalLab, work: (client: pg.Client) => Promise<unknown>) =>
    onConnection(lab.url, async (client) => {
      await client.query('BEGIN');
      await work(client);
      const { rows } = await client.query<{ name: string; scans: number }>(usage);
      await client.query('COMMIT');
      return rows;
    });

  test('a look touches the workers alone, and a rescue of several goes through the queue once', async ({
    lab,
  }) => {
    const table = (await lab.partition()).split('"')[1];
    const claims = [await lab.running(), await lab.running(), await lab.running()];
    await lab.sql(
      `SELECT count(*) FROM lovage.add_tasks((SELECT jsonb_agg('{"name": "diag.noop", "queue": "diag"}'::jsonb) FROM generate_series(1, ${BACKLOG})))`,
    );
    await lab.sql(`ANALYZE pgboss."${table}"; ANALYZE lovage.task`);
    // Each of them ran on a worker of its own.
    for (const { id } of claims) {
      const other = randomUUID();
      await lab.sql(
        `INSERT INTO lovage.worker (id, host, pid, queues, slots, version, heartbeat_at) VALUES ($1, 'there', 1, '{diag}', 1, 'test', now() - interval '1 hour')`,
        [other],
      );
      await lab.sql('UPDATE lovage.task SET worker_id = $1 WHERE id = $2', [other, id]);
    }
    const seen = await reads(lab, (client) =>
      client.query(`SELECT * FROM lovage.watch_workers((${EPOCH}), '1 day', '1 day', NULL)`),
    );
    expect(seen.map(({ name }) => name)).toEqual(['server_start', 'worker']);

    const read = await reads(lab, async (client) => expect(await rescueTasks(client)).toHaveLength(3));
    expect(read.find(({ name }) => name === table)).toEqual({ name: table, scans: 1 });
    expect(read.find(({ name }) => name === 'task')).toEqual({ name: 'task', scans: 0 });
  });
});

test('a server that hides its checkpointer is known by its start alone', async ({ lab }) => {
  const client = await lab.lovage.pool.connect();
  try {
    const epoch = async () =>
      (await client.query<{ server_epoch: string }>(EPOCH)).rows[0]?.server_epoch ?? '';
    const whole = await epoch();
    await client.query('BEGIN');
    const role = `blind_${randomUUID().replaceAll('-', '')}`;
    await client.query(`CREATE ROLE ${role}; GRANT USAGE, CREATE ON SCHEMA lovage TO ${role}`);
    await client.query(`ALTER FUNCTION lovage.server_epoch() OWNER TO ${role}`);
    expect(whole.split(' ')).toEqual([await epoch(), expect.stringMatching(/^\d+\.\d+$/)]);
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
});
