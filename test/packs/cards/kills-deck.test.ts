import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLab, until, type Lab } from '../../lab.ts';
import { installFakeEspeak, type FakeEspeak } from './fake-espeak.ts';
import { noteAbout } from './note-input.ts';
import { expectOneNote, startWorkers, type Workers } from './workers.ts';

let espeak: FakeEspeak;
let lab: Lab;
let workers: Workers;
let holder: pg.Client;

beforeAll(async () => {
  espeak = await installFakeEspeak();
  lab = await openLab();
  workers = await startWorkers(lab, espeak.env);
  // A checkpoint waits for the lock of its step.
  await lab.sql(`
    CREATE FUNCTION hold_checkpoint() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_advisory_xact_lock_shared(NEW.step); RETURN NEW; END $$`);
  await lab.sql(`
    CREATE TRIGGER hold_checkpoint BEFORE UPDATE ON pack_cards.anki_notes
    FOR EACH ROW WHEN (NEW.step <> OLD.step) EXECUTE FUNCTION hold_checkpoint()`);
  holder = new pg.Client({ connectionString: lab.url });
  await holder.connect();
});
afterAll(async () => {
  await holder.end();
  await lab[Symbol.asyncDispose]();
  await espeak[Symbol.asyncDispose]();
});

/** The session that waits to write a checkpoint down. */
async function whenHeld(): Promise<number> {
  const held = await until(
    () =>
      lab.sql<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%anki_notes%'`,
      ),
    ({ length }) => length > 0,
  );
  return held[0]?.pid ?? 0;
}

test.each([1, 2, 3, 4, 5])(
  'a worker killed when step %i is done and not yet written down adds one note to the deck',
  async (step) => {
    const word = `step ${step}`;
    await holder.query('SELECT pg_advisory_lock($1)', [step]);
    const id = await workers.enqueue(noteAbout(word));
    const pid = await whenHeld();
    const { replaced } = await workers.killRunner(id);
    await lab.sql('SELECT pg_terminate_backend($1)', [pid]);
    await holder.query('SELECT pg_advisory_unlock($1)', [step]);
    await expectOneNote(lab, id, word);
    await replaced;
  },
);

test('two workers run one note at a time', async () => {
  const words = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => `turn ${letter}`);
  const ids = await Promise.all(words.map((word) => workers.enqueue(noteAbout(word))));
  for (const id of ids) expect(await lab.final(id)).toMatchObject({ state: 'succeeded' });
  const overlaps = await lab.sql(
    `SELECT a.id FROM lovage.task a JOIN lovage.task b
       ON a.id < b.id AND a.started_at < b.finished_at AND b.started_at < a.finished_at
     WHERE a.id = ANY ($1) AND b.id = ANY ($1)`,
    [ids],
  );
  expect(overlaps).toEqual([]);
});
