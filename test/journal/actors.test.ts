import { noop } from '../../packs/diag/tasks.ts';
import { cancelTask } from '../../src/tasks/cancel.ts';
import { cancelled, expect, handedBack, onConnection, retrying, succeeded, test } from './journal-lab.ts';

test('a change by hand bears the name of the database user', async ({ lab }) => {
  const { id } = await lab.enqueue(noop, {});
  const [server] = await lab.sql<{ user: string }>('SELECT session_user::text AS user');
  await lab.byHand(`UPDATE pgboss.job SET priority = 1 WHERE id = '${id}'`);
  await lab.byHand(`DELETE FROM pgboss.job WHERE id = '${id}'`);

  expect((await lab.events(id)).slice(1).map(({ data }) => data['by'])).toEqual(
    Array(2).fill(`sql:${server?.user}`),
  );
});

test('it is the user that logged in, also behind SET ROLE, and he needs no right on lovage’s tables', async ({
  lab,
}) => {
  const { id } = await lab.enqueue(noop, {});
  const [login, role] = [`lovage_login_${process.pid}`, `lovage_clerk_${process.pid}`];
  await lab.sql(`CREATE ROLE ${login} LOGIN SUPERUSER; CREATE ROLE ${role}; GRANT USAGE ON SCHEMA pgboss TO ${role};
    GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA pgboss TO ${role}`);
  try {
    await onConnection(lab.url, async (client) => {
      await client.query(`SET SESSION AUTHORIZATION ${login}`);
      await client.query(`SET ROLE ${role}`);
      await client.query('DELETE FROM pgboss.job WHERE id = $1', [id]);
    });
    expect((await lab.events(id)).at(-1)).toMatchObject({ type: 'expired', data: { by: `sql:${login}` } });
  } finally {
    await lab.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}; DROP ROLE ${login}`);
  }
});

test('a cancel over the API bears the actor of its key, and his reason', async ({ lab }) => {
  const { id } = await lab.enqueue(noop, {});
  const { outcome } = await cancelTask(lab.lovage, lab.caller, id, { reason: 'a typo' });

  expect(outcome).toBe('cancelled');
  expect((await lab.events(id)).at(-1)).toMatchObject({
    type: 'cancelled',
    data: { by: 'key:test', reason: 'a typo' },
  });
});

test('a cancel over the API of a running task bears the actor of its key', async ({ lab }) => {
  const claim = await lab.running();
  const { outcome, task } = await cancelTask(lab.lovage, lab.caller, claim.id, { reason: 'a typo' });

  expect(outcome).toBe('requested');
  expect(task).toMatchObject({ state: 'running', cancelRequestedAt: expect.any(String) });
  expect(await lab.task(claim.id)).toMatchObject({
    cancel_requested_by: 'key:test',
    cancel_reason: 'a typo',
  });
  expect((await lab.events(claim.id)).at(-1)).toMatchObject({
    type: 'cancel_requested',
    data: { by: 'key:test', reason: 'a typo' },
  });
  await lab.settle(claim, cancelled);
});

test('the second of two cancels changes nothing, whoever asks', async ({ lab }) => {
  const claim = await lab.running();
  await cancelTask(lab.lovage, lab.caller, claim.id, { reason: 'first' });
  await lab.byHand(`SELECT lovage.cancel('${claim.id}', 'second')`);

  expect(await lab.task(claim.id)).toMatchObject({ cancel_requested_by: 'key:test', cancel_reason: 'first' });
  expect((await lab.events(claim.id)).filter(({ type }) => type === 'cancel_requested')).toHaveLength(1);
});

test('an API call’s actor does not stay on its connection', async ({ lab }) => {
  const [first, second] = [await lab.enqueue(noop, {}), await lab.enqueue(noop, {})];
  await onConnection(lab.url, async (client) => {
    const pool = { query: client.query.bind(client) } as unknown as typeof lab.lovage.pool;
    await cancelTask({ ...lab.lovage, pool }, lab.caller, first.id);
    await client.query('DELETE FROM pgboss.job WHERE id = $1', [second.id]);
  });

  expect((await lab.events(first.id)).at(-1)?.data['by']).toBe('key:test');
  expect((await lab.events(second.id)).at(-1)?.data['by']).toMatch(/^sql:/);
});

test('lovage.cancel() and lovage.retry() in psql bear the name of the database user', async ({ lab }) => {
  const { id } = await lab.enqueue(noop, {});
  await lab.byHand(`SELECT lovage.cancel('${id}', 'not wanted'); SELECT lovage.retry('${id}')`);

  expect(await lab.events(id)).toMatchObject([
    { type: 'queued' },
    { type: 'cancelled', data: { by: expect.stringMatching(/^sql:/), reason: 'not wanted' } },
    { type: 'requeued', data: { by: expect.stringMatching(/^sql:/) } },
  ]);
});

test('what a worker does in the course of running names the worker once, and nobody else', async ({
  lab,
}) => {
  const claim = await lab.running();
  await lab.settle(claim, handedBack);
  await lab.claim();
  await lab.settle({ id: claim.id, attempt: 2 }, retrying());
  await lab.claim();
  await lab.settle({ id: claim.id, attempt: 3 }, succeeded);

  const events = await lab.events(claim.id);
  expect(events.filter(({ data }) => 'by' in data)).toEqual([]);
  expect(events.filter(({ type }) => type === 'started').map(({ data }) => data['worker'])).toEqual(
    Array(3).fill(lab.workerId),
  );
});
