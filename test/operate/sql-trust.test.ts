import { afterAll, beforeAll, expect, test } from 'vitest';
import { noop } from '../../packs/diag/tasks.ts';
import { listGrants } from '../../src/grants/list.ts';
import { pauseQueue } from '../../src/queues/pause.ts';
import { resumeQueue } from '../../src/queues/resume.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { inPsql, inSession, openRole, valueInPsql } from './sql-lab.ts';

let lab: Lab;
let operator: Awaited<ReturnType<typeof openRole>>;
beforeAll(async () => {
  lab = await openLab();
  operator = await openRole(lab, { name: 'oncall' });
  await lab.sql(listGrants('operate', operator.role).join(' '));
});
afterAll(async () => {
  await operator[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

/** What the journal goes by, set by somebody who may not. */
const LIES = {
  actor: 'key:boss',
  worker: 'x',
  outcome: 'succeeded',
  event: 'succeeded',
  adding: 'on',
  reconciling: 'on',
};
const later = { delayMs: 3_600_000 };

test.each(Object.entries(LIES))(
  'an operator who sets lovage.%s acts in his own name all the same, and history stays whole',
  async (name, value) => {
    const { id } = await lab.enqueue(noop, {}, later);
    await inSession(operator.url, async (client) => {
      const does = async (call: string) => {
        await client.query(`SET lovage.${name} = '${value}'`);
        await client.query(`SELECT lovage.${call}`);
      };
      for (const verb of ['cancel', 'retry']) await does(`${verb}('${id}')`);
      for (const verb of ['cancel_many', 'retry_many', 'cancel_many']) await does(`${verb}('{${id}}')`);
      for (const call of [`pause('spare')`, `limit_queue('spare', running => 3)`, `follow_config('spare')`])
        await does(call);
      await does(`resume('spare')`);
      await does(`enqueue('diag.noop', delay => '1 hour', tags => '{lies}')`);
      for (const call of ['drain_worker', 'cancel_batch', 'replay_delivery']) await does(`${call}('${id}')`);
      for (const verb of ['pause', 'resume']) await does(`${verb}_schedule('none')`);
      await expect(does(`run_schedule('none')`)).rejects.toMatchObject({ code: 'LV404' });
    });

    const who = `sql:${operator.role}`;
    const history = await lab.events(id);
    expect(history.map(({ type }) => type)).toEqual([
      'queued',
      'cancelled',
      'requeued',
      'cancelled',
      'requeued',
      'cancelled',
    ]);
    expect(new Set(history.slice(1).map(({ data }) => data['by']))).toEqual(new Set([who]));
    const written = await lab.sql<{ action: string }>(
      'DELETE FROM lovage.audit_log WHERE actor = $1 RETURNING action',
      [who],
    );
    expect(written.map(({ action }) => action).toSorted()).toEqual([
      'batches.cancel',
      'queues.followConfig',
      'queues.limit',
      'queues.pause',
      'queues.resume',
      'schedules.pause',
      'schedules.resume',
      'tasks.cancel',
      'tasks.cancel',
      'tasks.cancel',
      'tasks.enqueue',
      'tasks.retry',
      'tasks.retry',
      'webhooks.replay',
      'workers.drain',
    ]);
    expect(await lab.violations()).toEqual([]);
  },
);

test('what is refused by hand is written down under the code that the API has for it', async () => {
  const none = '00000000-0000-7000-8000-000000000000';
  await inPsql(
    operator.url,
    `SELECT lovage.cancel($1), lovage.retry($1), lovage.pause('x'), lovage.limit_queue('x'), lovage.follow_config('x'),
            lovage.drain_worker($1), lovage.pause_schedule('x'), lovage.cancel_batch($1), lovage.replay_delivery($1)`,
    [none],
  );
  const codes = await lab.sql(
    `SELECT DISTINCT action, outcome FROM lovage.v_audit WHERE actor = $1 AND target IN ('x', $2) ORDER BY 1`,
    [`sql:${operator.role}`, none],
  );
  expect(codes.map((row) => Object.values(row).join(' '))).toEqual([
    'batches.cancel batch-not-found',
    'queues.followConfig queue-not-found',
    'queues.limit queue-not-found',
    'queues.pause queue-not-found',
    'schedules.pause schedule-not-found',
    'tasks.cancel task-not-found',
    'tasks.retry task-not-found',
    'webhooks.replay webhook-not-found',
    'workers.drain worker-not-found',
  ]);
});

test('a paused queue of housekeeping is seen', async () => {
  const seen = () => lab.sql(`SELECT queue, why FROM lovage.v_queue_depth WHERE queue = 'lovage'`);
  expect(await seen()).toEqual([]);
  await pauseQueue(lab.lovage, lab.caller, 'lovage', { reason: 'quiet' });
  await valueInPsql(
    lab.url,
    `SELECT lovage.add_tasks('[{"name": "lovage.keepHouse", "queue": "lovage", "input": {}}]')`,
  );
  expect(await seen()).toEqual([{ queue: 'lovage', why: 'it is paused' }]);
  expect(await lab.sql(`SELECT remedy FROM lovage.v_stuck WHERE problem = 'paused'`)).toEqual([
    { remedy: `SELECT lovage.resume('lovage')` },
  ]);
  await resumeQueue(lab.lovage, lab.caller, 'lovage');
});

test('what an operator says at length is cut, and stays readable over the API', async () => {
  const { id } = await lab.enqueue(noop, {}, later);
  await inPsql(
    operator.url,
    `SELECT lovage.pause('spare', repeat('p', 100000)), lovage.cancel($1, repeat('c', 100000))`,
    [id],
  );
  const [row] = await lab.sql(
    `SELECT length(cancel_reason) AS reason, (SELECT length(q.pause_reason) FROM lovage.queue_control q WHERE q.queue = 'spare') AS paused
     FROM lovage.v_tasks WHERE id = $1`,
    [id],
  );
  expect(row).toEqual({ reason: 1000, paused: 1000 });
  await inPsql(operator.url, `SELECT lovage.resume('spare')`);
});

test('every function that acts with the rights of the owner looks up names where nobody else can put any', async () => {
  const loose = await lab.sql(
    `SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'lovage'::regnamespace AND p.prosecdef
     AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false)`,
  );
  expect(loose).toEqual([]);
  await lab.sql(`CREATE SCHEMA trap; GRANT USAGE ON SCHEMA trap TO PUBLIC;
    CREATE FUNCTION trap.left(text, int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'called as %', current_user; END $$`);
  await inSession(operator.url, async (client) => {
    await client.query(
      `CREATE TEMP TABLE definition (LIKE lovage.v_definitions); SET search_path = trap, pg_temp, pg_catalog`,
    );
    const { rows } = await client.query<{ id: string }>(
      `SELECT lovage.enqueue('diag.noop', delay => '1 hour') AS id`,
    );
    await client.query(`SELECT lovage.cancel($1, 'why')`, [rows[0]?.id]);
    expect(await lab.eventTypes(String(rows[0]?.id))).toEqual(['queued', 'cancelled']);
  });
});

test('a task is enqueued from a trigger, from DO, in a savepoint: it is there if what called it is', async () => {
  await lab.worker();
  await lab.sql(`
    CREATE TABLE public.bill (n int, task uuid);
    CREATE FUNCTION public.send_bill() RETURNS trigger LANGUAGE plpgsql AS $f$
    BEGIN NEW.task := lovage.enqueue('diag.echo', jsonb_build_object('value', NEW.n), tags => '{bill}'); RETURN NEW; END $f$;
    CREATE TRIGGER send_bill BEFORE INSERT ON public.bill FOR EACH ROW EXECUTE FUNCTION public.send_bill();
    INSERT INTO public.bill VALUES (1);
    DO $$ BEGIN
      PERFORM lovage.enqueue('diag.echo', '{"value": 2}', tags => '{bill}');
      BEGIN INSERT INTO public.bill VALUES (3); RAISE EXCEPTION 'no'; EXCEPTION WHEN raise_exception THEN END;
      PERFORM lovage.enqueue('diag.echo', '{"value": 4}', tags => '{bill}', tenant => 'o''neill');
    END $$`);
  await inPsql(lab.url, `BEGIN; INSERT INTO public.bill VALUES (5); ROLLBACK`);

  const sent = await until(
    () =>
      lab.sql<{ state: string }>(
        `SELECT p.input -> 'value' AS n, t.tenant, t.state, (SELECT b.n FROM public.bill b WHERE b.task = t.id) AS bill
         FROM lovage.v_tasks t JOIN lovage.v_payloads p USING (id) WHERE 'bill' = ANY (t.tags) ORDER BY 1`,
      ),
    (rows) => rows.every(({ state }) => state === 'succeeded'),
  );
  expect(sent).toEqual([
    { n: 1, tenant: 'default', state: 'succeeded', bill: 1 },
    { n: 2, tenant: 'default', state: 'succeeded', bill: null },
    { n: 4, tenant: `o'neill`, state: 'succeeded', bill: null },
  ]);
});
