import { statfs } from 'node:fs/promises';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { CORE_MIGRATIONS } from '../../db/migrate.ts';
import type { Settings } from '../../settings/settings.ts';
import { plural } from '../plural.ts';
import { span } from '../duration.ts';
import type { Finding } from './finding.ts';

/** Under so much room Postgres may stop in the midst of a day. */
const LEAST_FREE = 0.1;
const GIB = 1024 ** 3;

/** Whether the database is of this version: an older one wants `lovage migrate`, a newer one newer code. */
export async function examineVersions(pool: pg.Pool): Promise<Finding[]> {
  const known = readMigrationFiles({ migrationsFolder: fileURLToPath(CORE_MIGRATIONS.folder) });
  const { rows } = await pool.query<{ last: string | null }>(
    `SELECT max(created_at)::text AS last FROM lovage_migrations.${CORE_MIGRATIONS.table}`,
  );
  const last = Number(rows[0]?.last ?? 0);
  const missing = known.filter(({ folderMillis }) => folderMillis > last).length;
  if (missing > 0) {
    return [
      {
        state: 'bad',
        what: `${plural(missing, 'migration')} of this version are missing`,
        remedy: 'lovage migrate',
      },
    ];
  }
  if (last > Math.max(...known.map(({ folderMillis }) => folderMillis))) {
    return [
      {
        state: 'note',
        what: 'the database is newer than this lovage',
        remedy: 'install the newer version here too',
      },
    ];
  }
  const { rows: versions } = await pool.query<{ version: string; count: number }>(
    `SELECT version, count(*)::int AS count FROM lovage.worker
     WHERE stopped_at IS NULL AND lost_at IS NULL AND heartbeat_at > now() - interval '15 s' GROUP BY version ORDER BY version`,
  );
  if (versions.length > 1) {
    const which = versions.map(({ version, count }) => `${count} of ${version}`).join(', ');
    return [
      {
        state: 'note',
        what: `workers of several versions run: ${which}`,
        remedy: 'lovage workers drain, when the newer ones serve',
      },
    ];
  }
  return [{ state: 'good', what: `the schema is of this version (${plural(known.length, 'migration')})` }];
}

/** What schedules, clocks and webhooks ask for. */
export async function examineSecrets(
  pool: pg.Pool,
  { secret, settings }: { secret: string | undefined; settings: Pick<Settings, 'secret'> },
): Promise<Finding[]> {
  if (settings.secret !== undefined)
    return [{ state: 'good', what: 'LOVAGE_SECRET is set; it has to be the same on every node' }];
  if (secret !== undefined) return [{ state: 'good', what: 'the data folder keeps a secret of its own' }];
  const { rows } = await pool.query('SELECT FROM lovage.webhook_endpoint LIMIT 1');
  return [
    {
      state: rows.length > 0 ? 'bad' : 'note',
      what: `LOVAGE_SECRET is not set: ${rows.length > 0 ? 'webhooks that are there go out unsigned or not at all' : 'webhooks and stream tickets are refused'}`,
      remedy: 'LOVAGE_SECRET: 32 random characters or more, such as openssl rand -base64 32 prints',
    },
  ];
}

export async function examineSchedules(pool: pg.Pool): Promise<Finding[]> {
  const { rows } = await pool.query<{ name: string; task_name: string; late: number; known: boolean }>(
    `SELECT s.name, s.task_name, extract(epoch FROM now() - s.next_at)::float8 * 1000 AS late,
            EXISTS (SELECT FROM lovage.worker w WHERE s.task_name = ANY (w.tasks) AND w.stopped_at IS NULL AND w.lost_at IS NULL
                    AND w.heartbeat_at > now() - interval '15 s') AS known
     FROM lovage.schedule s
     WHERE s.paused_at IS NULL AND s.next_at < now() - interval '30 s' ORDER BY s.next_at LIMIT 20`,
  );
  if (rows.length === 0) return [{ state: 'good', what: 'no schedule is late' }];
  return rows.map(({ name, task_name, late, known }) => ({
    state: 'bad',
    what: `schedule ${name} is ${span(late)} late${known ? '' : `: no live worker knows the task "${task_name}"`}`,
    remedy: known ? 'look into the log of the workers' : 'start a worker whose configuration has that task',
  }));
}

/** What the database takes; and, of an embedded one, how much room is left on its disk. */
export async function examineDisk(pool: pg.Pool, { databaseUrl, dataDir }: Settings): Promise<Finding[]> {
  const { rows } = await pool.query<{ bytes: string }>(
    'SELECT pg_database_size(current_database()) AS bytes',
  );
  const size = `the database takes ${gib(Number(rows[0]?.bytes ?? 0))}`;
  if (databaseUrl !== undefined)
    return [{ state: 'good', what: `${size}; how much room is left, its server knows` }];
  return [judgeDisk(size, await statfs(dataDir))];
}

export function judgeDisk(
  size: string,
  { bavail, blocks, bsize }: { bavail: number; blocks: number; bsize: number },
): Finding {
  const isShort = bavail / blocks < LEAST_FREE && bavail * bsize < 10 * GIB;
  const what = `${size}; ${gib(bavail * bsize)} are free`;
  if (!isShort) return { state: 'good', what };
  return { state: 'bad', what, remedy: 'make room on the disk, or move LOVAGE_DATA_DIR' };
}

const gib = (bytes: number): string =>
  bytes >= GIB ? `${(bytes / GIB).toFixed(1)} GiB` : `${Math.ceil(bytes / 1024 ** 2)} MiB`;
