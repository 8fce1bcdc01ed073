import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { analyze } from '../../../packs/filings/tasks/analyze.ts';
import { indexFiling } from '../../../packs/filings/tasks/index-filing.ts';
import { openLab, until, type Lab, type LabProcess } from '../../lab.ts';
import { lawsuitRisk, makeFiling, supplyRisk } from '../filings-analysis/filing.ts';

const html_content = makeFiling({
  heading: '<p><b>Item 1A. Risk Factors</b></p>',
  body: [supplyRisk, lawsuitRisk]
    .map((risk, place) => `<p><b>Factor ${place}.</b></p><p>${risk}</p>`)
    .join(''),
});
const filing = (ticker: string) => ({ ticker, filing_year: 2020, html_content });

let lab: Lab;
let holder: pg.Client;

beforeAll(async () => {
  lab = await openLab();
  holder = new pg.Client(lab.url);
  await holder.connect();
  // While the lock is held, ROWS stops amid its passages and FILING before its first row.
  await lab.sql(`
    CREATE FUNCTION pack_filings.stop_here() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN NEW; END $$;
    CREATE TRIGGER stop_here AFTER INSERT ON pack_filings.chunk
      FOR EACH ROW WHEN (NEW.ticker = 'ROWS') EXECUTE FUNCTION pack_filings.stop_here();
    CREATE TRIGGER stop_here BEFORE INSERT ON pack_filings.filing
      FOR EACH ROW WHEN (NEW.ticker = 'FILING') EXECUTE FUNCTION pack_filings.stop_here()`);
});
afterAll(async () => {
  await holder.end();
  await lab[Symbol.asyncDispose]();
});

const waiting = async (count: number, on: string) =>
  until(
    async () => (await lab.sql(`SELECT pid FROM pg_locks WHERE NOT granted AND ${on}`)).length,
    (now) => now === count,
    60_000,
  );
const AT_WRITES = "locktype = 'advisory' AND objid = 7";
const AT_MARKET_CAP = "relation = 'pack_filings.market_cap'::regclass";
const succeeds = (id: string) =>
  until(
    () => lab.get(id),
    ({ state }) => state === 'succeeded',
    60_000,
  );
const kill = async (worker: LabProcess) => {
  worker.child.kill('SIGKILL');
  await worker.exited;
};
const stored = () =>
  lab.sql(`SELECT f.ticker, f.task_id, f.risks IS NOT NULL AS analysed, array_agg(c.id ORDER BY c.id) AS chunks
           FROM pack_filings.filing f JOIN pack_filings.chunk c USING (tenant, ticker, year) GROUP BY 1, 2, 3 ORDER BY 1`);

test('killed amid its work and amid its writes, a filing is there once and whole', async () => {
  const inRows = await lab.enqueue(analyze, filing('ROWS'));
  const inFiling = await lab.enqueue(indexFiling, filing('FILING'));

  await holder.query('SELECT pg_advisory_lock(7)');
  const first = await lab.spawn(['worker']);
  await waiting(2, AT_WRITES);
  await kill(first);
  await holder.query('SELECT pg_advisory_unlock(7)');
  await waiting(0, AT_WRITES);
  expect(await lab.sql('SELECT ticker FROM pack_filings.filing')).toEqual([]);
  expect(await lab.sql('SELECT id FROM pack_filings.chunk')).toEqual([]);

  await holder.query('BEGIN');
  await holder.query('LOCK TABLE pack_filings.market_cap IN ACCESS EXCLUSIVE MODE');
  const second = await lab.spawn(['worker']);
  await waiting(1, AT_MARKET_CAP);
  await kill(second);
  await holder.query('ROLLBACK');

  await lab.spawn(['worker']);
  expect(await succeeds(inRows.id)).toMatchObject({ crashes: 2 });
  await succeeds(inFiling.id);
  expect(await stored()).toEqual([
    { ticker: 'FILING', task_id: inFiling.id, analysed: false, chunks: ['FILING_2020_0', 'FILING_2020_1'] },
    { ticker: 'ROWS', task_id: inRows.id, analysed: true, chunks: ['ROWS_2020_0', 'ROWS_2020_1'] },
  ]);
  expect(await lab.violations()).toEqual([]);
}, 120_000);
