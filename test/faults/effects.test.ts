import { spawn } from 'node:child_process';
import { once } from 'node:events';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writes, writesInProcess } from '../fixtures/execution.ts';
import { createEffects, effectsOf, whenReporting } from '../execution/effects.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { isShort } from './form.ts';
import { kill, openWire, startWorkerProcess, type WorkerProcess } from '../worker/processes.ts';

let lab: Lab;
let holder: pg.Client;
let worker: WorkerProcess;
beforeAll(async () => {
  lab = await openLab();
  await createEffects(lab);
  await lab.sql('CREATE TABLE orders (id int PRIMARY KEY)');
  // Each write waits for the lock of its step, and the COMMIT for another.
  await lab.sql(`
    CREATE FUNCTION hold_step() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_advisory_xact_lock_shared(CASE WHEN TG_NAME = 'at_commit' THEN 3 ELSE NEW.step END); RETURN NEW; END $$`);
  await lab.sql(
    'CREATE TRIGGER at_write BEFORE INSERT ON test_effect FOR EACH ROW EXECUTE FUNCTION hold_step()',
  );
  await lab.sql(`CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON test_effect DEFERRABLE INITIALLY DEFERRED
                 FOR EACH ROW EXECUTE FUNCTION hold_step()`);
  holder = new pg.Client({ connectionString: lab.url });
  await holder.connect();
  worker = await startWorkerProcess(lab);
});
afterAll(async () => {
  await holder.end();
  await lab[Symbol.asyncDispose]();
});

/** A session of the handlers stands still, waiting for what the test holds. */
const whenHeld = () =>
  until(
    async () =>
      lab.sql(
        `SELECT pid FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name IN ('lovage handlers', 'lovage child')`,
      ),
    (held) => held.length > 0,
  );

const steps: [string, (id: string) => Promise<unknown>][] = [
  ['before the fence', (id) => holder.query('SELECT FROM pgboss.job WHERE id = $1 FOR UPDATE', [id])],
  ['between the fence and the first write', () => holder.query('SELECT pg_advisory_xact_lock(1)')],
  ['between the two writes', () => holder.query('SELECT pg_advisory_xact_lock(2)')],
  ['in the midst of the COMMIT', () => holder.query('SELECT pg_advisory_xact_lock(3)')],
];

/** Success and writes are there together, once. */
async function expectOnce(id: string): Promise<void> {
  const { state, result, attempt } = await lab.final(id);
  expect(state).toBe('succeeded');
  const { attempt: winner } = result as { attempt: number };
  expect(winner).toBeLessThanOrEqual(attempt);
  expect(await effectsOf(lab, id)).toEqual([`1 ${winner}`, `2 ${winner}`]);
  expect((await lab.eventTypes(id)).filter((type) => type === 'succeeded')).toHaveLength(1);
  expect(await lab.violations()).toEqual([]);
}

// In the short form a process handler's are those below, whose child is killed.
describe.each(
  (
    [
      ['inline', writes],
      ['process', writesInProcess],
    ] as const
  ).slice(0, isShort ? 1 : 2),
)('a worker killed while a success of its %s handler is recorded', (_isolation, definition) => {
  test.each(steps)('%s: both or neither', async (_step, hold) => {
    const { id } = await lab.enqueue(definition, { ms: 400 });
    await whenReporting(lab, id);
    await holder.query('BEGIN');
    await hold(id);
    await whenHeld();
    await kill(worker);
    await holder.query('ROLLBACK');
    worker = await startWorkerProcess(lab);
    await expectOnce(id);
  });

  test('after the COMMIT, before its answer: both', async () => {
    await using wire = await openWire(lab.url);
    await kill(worker);
    worker = await startWorkerProcess(lab, [], { DATABASE_URL: wire.url });
    const cut = wire.cutAnswer('COMMIT\0', 'COMMIT');
    const { id } = await lab.enqueue(definition, {});
    await cut;
    await kill(worker);
    worker = await startWorkerProcess(lab);
    await expectOnce(id);
    expect(await lab.final(id)).toMatchObject({ attempt: 1 });
  });
});

test.each(steps)('a child killed while its success is recorded, %s: both or neither', async (_step, hold) => {
  const { id } = await lab.enqueue(writesInProcess, { ms: 400 });
  const { progress } = await whenReporting(lab, id);
  await holder.query('BEGIN');
  await hold(id);
  await whenHeld();
  process.kill(progress?.current ?? 0, 'SIGKILL');
  await holder.query('ROLLBACK');
  await expectOnce(id);
});

test('a worker that lives on when the answer to the COMMIT is lost finds out', async () => {
  await using wire = await openWire(lab.url);
  await kill(worker);
  worker = await startWorkerProcess(lab, [], { DATABASE_URL: wire.url });
  const cut = wire.cutAnswer('COMMIT\0', 'COMMIT');
  const { id } = await lab.enqueue(writes, {});
  await cut;
  await expectOnce(id);
  await kill(worker);
  worker = await startWorkerProcess(lab);
});

test('a caller killed between any two steps of its transaction leaves both, or neither', async () => {
  const program = new URL('../fixtures/enqueue-in.ts', import.meta.url).pathname;
  for (const last of ['connected', 'begun', 'ordered', 'enqueued', 'committed']) {
    const caller = spawn(process.execPath, ['--conditions=lovage-source', program, lab.url], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let said = '';
    caller.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes(last)) caller.kill('SIGKILL');
      else caller.stdin.write('go on\n');
    });
    await once(caller, 'exit');
    await until(
      () =>
        lab.sql(
          "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in tr%'",
        ),
      (open) => open.length === 0,
    );
    const [there] = await lab.sql<{ orders: number; tasks: number }>(
      `SELECT (SELECT count(*) FROM orders)::int AS orders,
              (SELECT count(*) FROM lovage.task WHERE name = 'diag.echo')::int AS tasks`,
    );
    expect({ last, ...there }).toEqual(
      last === 'committed' ? { last, orders: 1, tasks: 1 } : { last, orders: 0, tasks: 0 },
    );
  }
  expect(await lab.violations()).toEqual([]);
});
