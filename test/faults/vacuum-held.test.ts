import type pg from 'pg';
import { expect, test } from 'vitest';
import { migrateFor } from '../../src/open.ts';
import { loadConfig } from '../../src/load-config.ts';
import { onConnection } from '../journal/journal-lab.ts';
import { configFile, until } from '../lab.ts';
import { following, openServers, type Server } from './cluster.ts';

const SETTINGS = { max_prepared_transactions: '5', wal_level: 'logical' };
const PASSED = 1_000;

test('prepared transactions, replication slots and standbys that hold vacuum back are named', async () => {
  await using servers = await openServers();
  const { primary, standby } = servers;
  await primary.start(SETTINGS);
  await migrateFor(await loadConfig(configFile), primary.url);
  await passTransactions(primary);
  expect(await holders(primary)).toEqual([]);

  await primary.query("BEGIN; SELECT lovage.note_upkeep('held', '{}'); PREPARE TRANSACTION 'left over'");
  await passTransactions(primary);
  expect(await holders(primary)).toEqual([
    {
      kind: 'prepared',
      who: expect.stringMatching(/^prepared transaction "left over" of \w+$/),
      isTimed: true,
    },
  ]);
  await primary.query("ROLLBACK PREPARED 'left over'");

  await primary.query("SELECT pg_create_logical_replication_slot('forgotten', 'pgoutput')");
  await passTransactions(primary);
  expect(await holders(primary)).toEqual([
    { kind: 'slot', who: 'replication slot "forgotten", which nobody uses', isTimed: false },
  ]);
  await primary.query("SELECT pg_drop_replication_slot('forgotten')");

  await standby.start({
    ...SETTINGS,
    ...following(primary),
    hot_standby_feedback: 'on',
    wal_receiver_status_interval: '1',
  });
  await onConnection(standby.url, async (report: pg.Client) => {
    await report.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM pg_class');
    await passTransactions(primary);
    await hearFrom(primary);
    expect(await holders(primary)).toEqual([
      { kind: 'standby', who: 'standby "walreceiver"', isTimed: false },
    ]);
    await report.query('ROLLBACK');
    await until(
      () => holders(primary),
      (found) => found.length === 0,
    );
  });
}, 60_000);

/** Whoever is so many transactions behind, however young. */
const holders = (server: Server) =>
  server.query<{ kind: string; who: string; isTimed: boolean }>(
    `SELECT kind, who, since IS NOT NULL AS "isTimed" FROM lovage.vacuum_holders('1 hour', ${PASSED / 2})`,
  );

/** Each block with a handler of its own is a transaction within one. */
const passTransactions = (server: Server) =>
  server.query(`DO $$ BEGIN FOR n IN 1..${PASSED} LOOP
    BEGIN PERFORM lovage.note_upkeep('passed', '{}'); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$`);

/** Until the standby has told how far back it looks, as of now. */
async function hearFrom(server: Server): Promise<void> {
  const [{ now } = { now: new Date() }] = await server.query<{ now: Date }>(
    'SELECT clock_timestamp() AS now',
  );
  await until(
    () =>
      server.query('SELECT FROM pg_stat_replication WHERE reply_time > $1 AND backend_xmin IS NOT NULL', [
        now,
      ]),
    (rows) => rows.length > 0,
  );
}
