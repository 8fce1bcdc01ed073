import type pg from 'pg';
import { findFaults } from './check-environment.ts';
import type { Config } from '../config.ts';
import type { Settings } from '../settings/settings.ts';
import type { Database } from './database.ts';
import { examineClock } from './doctor/clock.ts';
import { examineConnections } from './doctor/connections.ts';
import type { Finding } from './doctor/finding.ts';
import { examineDisk, examineSchedules, examineSecrets, examineVersions } from './doctor/installation.ts';
import { examinePrepared } from './doctor/prepared.ts';
import { examineRights } from './doctor/rights.ts';
import { examineStuck } from './doctor/stuck.ts';
import { examineVacuum } from './doctor/vacuum.ts';
import { plural } from './plural.ts';

/** What surrounds the database. */
export interface Surroundings {
  settings: Settings;
  database: Database;
  secret: string | undefined;
}

/** Looks at everything that can be wrong with a database that Lovage runs on; each fault comes with its remedy. */
export async function examine(
  pool: pg.Pool,
  config: Config,
  options: { repair: boolean } & Surroundings,
): Promise<Finding[]> {
  const lacking = await examineRights(pool);
  if (lacking) return [...(await environment(config)), lacking];
  const { rows } = await pool.query(
    "SELECT FROM pg_proc WHERE oid = to_regprocedure('lovage.check_invariants()')",
  );
  if (rows.length === 0) {
    const none = {
      state: 'bad',
      what: 'the database has no schema of Lovage yet',
      remedy: 'lovage migrate',
    } as const;
    return [...(await environment(config)), none];
  }
  return [
    ...(await environment(config)),
    ...(options.repair ? await repair(pool) : []),
    await examineClock(pool),
    ...(await examineVersions(pool)),
    { state: 'good', what: 'this role may do all that Lovage does' },
    ...(await examinePrepared(options.database.url, options.settings)),
    ...(await examineConnections(options.database)),
    await triggers(pool),
    await queues(pool, config),
    await workers(pool),
    ...(await leases(pool)),
    ...(await examineVacuum(pool)),
    ...(await archive(pool)),
    ...(await examineSchedules(pool)),
    ...(await examineSecrets(pool, options)),
    ...(await examineDisk(pool, options.settings)),
    ...(await examineStuck(pool)),
    ...(await invariants(pool)),
  ];
}

async function repair(pool: pg.Pool): Promise<Finding[]> {
  const { rows } = await pool.query<{ mended: string; task_id: string }>(
    'SELECT mended, task_id FROM lovage.reconcile() UNION ALL SELECT mended, task_id FROM lovage.reconcile_archive()',
  );
  if (rows.length === 0) return [{ state: 'note', what: 'repair: there was nothing to mend' }];
  return rows.map(({ mended, task_id }) => ({ state: 'note', what: `repair: ${mended} (${task_id})` }));
}

async function environment(config: Config): Promise<Finding[]> {
  if (!config.packs.some((pack) => pack.environment)) return [];
  const faults = await findFaults(config);
  if (faults.length === 0) return [{ state: 'good', what: 'the environment is as the packs want it' }];
  return faults.map((what) => ({ state: 'bad', what, remedy: 'set it in the environment of every node' }));
}

async function triggers(pool: pg.Pool): Promise<Finding> {
  const { rows } = await pool.query<{ job_table: string }>(
    `SELECT t.job_table FROM (SELECT 'job' AS job_table UNION ALL SELECT job_table FROM lovage.queue_control) t
     WHERE 4 > (SELECT count(*) FROM pg_trigger g WHERE g.tgrelid = to_regclass(format('pgboss.%I', t.job_table))
                AND g.tgname LIKE 'lovage\\_%' AND g.tgenabled IN ('O', 'A'))`,
  );
  if (rows.length === 0) return { state: 'good', what: 'the journal’s triggers are in place' };
  return {
    state: 'bad',
    what: `the journal does not see ${rows.map((row) => `pgboss.${row.job_table}`).join(', ')}`,
    remedy: 'lovage doctor --repair',
  };
}

async function queues(pool: pg.Pool, config: Config): Promise<Finding> {
  const { rows } = await pool.query<{ queue: string }>(
    'SELECT q.queue FROM lovage.live_queues() q JOIN pgboss.queue b ON b.name = q.queue',
  );
  const missing = [...config.queues.keys()].filter((queue) => !rows.some((row) => row.queue === queue));
  if (missing.length === 0) return { state: 'good', what: `every queue is declared (${rows.length})` };
  return { state: 'bad', what: `queues are not declared: ${missing.join(', ')}`, remedy: 'lovage migrate' };
}

async function workers(pool: pg.Pool): Promise<Finding> {
  const { rows } = await pool.query<{ live: number; slots: number; running: number }>(
    `SELECT count(*)::int AS live, coalesce(sum(slots), 0)::int AS slots,
            (SELECT count(*)::int FROM pgboss.job j WHERE j.state = 'active') AS running
     FROM lovage.worker WHERE stopped_at IS NULL AND lost_at IS NULL AND heartbeat_at > now() - interval '15 s'`,
  );
  const { live = 0, slots = 0, running = 0 } = rows[0] ?? {};
  if (live === 0)
    return { state: 'note', what: 'no worker is running', remedy: 'lovage worker, or lovage dev' };
  return {
    state: 'good',
    what: `${plural(live, 'live worker')} with ${plural(slots, 'slot')}, ${plural(running, 'task')} running`,
  };
}

async function leases(pool: pg.Pool): Promise<Finding[]> {
  const { rows } = await pool.query<{ alone: number }>(
    `SELECT count(*)::int AS alone FROM lovage.worker
     WHERE stopped_at IS NULL AND lost_at IS NULL AND heartbeat_at > now() - interval '15 s' AND lease_key IS NULL`,
  );
  const { alone = 0 } = rows[0] ?? {};
  if (alone === 0) return [];
  return [
    {
      state: 'note',
      what: `a pooler keeps ${plural(alone, 'live worker')} from a lease: a death shows after 15 s, not within 2`,
      remedy: 'LOVAGE_DIRECT_URL: an address of Postgres itself',
    },
  ];
}

async function archive(pool: pg.Pool): Promise<Finding[]> {
  const { rows } = await pool.query<{ lacking: number; expired: number; held: string | null }>(
    `SELECT (SELECT count(*)::int FROM lovage.lacking_partitions()) AS lacking,
            (SELECT count(*)::int FROM lovage.archive_partition WHERE to_at < now() - interval '1 day') AS expired,
            (SELECT detail ->> 'heldUntil' FROM lovage.upkeep WHERE subject = 'clock') AS held`,
  );
  const { lacking = 0, expired = 0, held = null } = rows[0] ?? {};
  if (held !== null)
    return [
      {
        state: 'note',
        what: `the database’s clock has leapt: nothing is dropped from the archive before ${held}`,
        remedy: 'set the clock of Postgres’s machine by NTP; lovage archive plan shows what waits',
      },
    ];
  if (lacking > 0)
    return [
      {
        state: 'note',
        what: `the archive lacks ${plural(lacking, 'partition')}: tasks stay hot meanwhile`,
        remedy: 'lovage archive run',
      },
    ];
  if (expired > 0)
    return [
      {
        state: 'note',
        what: `${plural(expired, 'partition')} of the archive should have been dropped`,
        remedy: 'lovage archive run',
      },
    ];
  return [{ state: 'good', what: 'the archive has its partitions' }];
}

async function invariants(pool: pg.Pool): Promise<Finding[]> {
  const { rows } = await pool.query<{ invariant: string; task_id: string; detail: string }>(
    'SELECT invariant, task_id, detail FROM lovage.check_invariants() LIMIT 20',
  );
  if (rows.length === 0) return [{ state: 'good', what: 'every invariant holds' }];
  return rows.map(({ invariant, task_id, detail }) => ({
    state: 'bad',
    what: `invariant ${invariant} is broken for ${task_id}: ${detail}`,
    remedy: 'lovage doctor --repair',
  }));
}
