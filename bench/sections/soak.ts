import type pg from 'pg';
import { atLeast, type Bench, type Section } from '../bench.ts';
import { BENCH_CONFIG, spawnLovage } from '../measure/lovage-process.ts';
import { withClient } from '../measure/postgres-server.ts';
import { figure } from '../measure/statistics.ts';
import { until } from '../measure/until.ts';

const SLOTS = 100;
const TENTHS = 10;
const BAR = 0.9;
const CHUNK = 1_000;
/** So short that all of it happens many times over: archiving, expiring, dropping. */
const RETENTION = {
  LOVAGE_ARCHIVE_AFTER_MS: '2000',
  LOVAGE_RETENTION_MS: '20000',
  LOVAGE_HOUSEKEEPING_MS: '1000',
  CELERY_RESULT_EXPIRES: '5',
};
const PERIOD_MS = 10_000;
const TASK = {
  name: 'diag.noop',
  queue: 'diag',
  tenant: 'default',
  maxAttempts: 3,
  resultTtlMs: 5_000,
  input: {},
  createdBy: 'bench',
};
const TABLES = [
  'lovage.task',
  'lovage.task_event',
  'lovage.task_result',
  'lovage.task_archive',
  'pgboss.job',
];

export const soak: Section = {
  name: 'soak',
  title: `A million tasks through a live system that archives and drops them meanwhile, at ${SLOTS} slots`,
  isLong: true,
  async run(bench) {
    const perTenth = bench.isQuick ? 5_000 : 100_000;
    await using database = await bench.server.clone();
    return await withClient(database.url, async (client) => {
      await client.query('UPDATE lovage.upkeep SET detail = $1 WHERE subject = $2', [
        { periodMs: PERIOD_MS },
        'archive',
      ]);
      await using worker = spawnLovage(['worker', '--queues', 'diag', '--concurrency', String(SLOTS)], {
        DATABASE_URL: database.url,
        LOVAGE_CONFIG: BENCH_CONFIG,
        LOVAGE_LOG_LEVEL: 'error',
        ...RETENTION,
      });
      await until('the worker', () => hasRow(client, 'SELECT FROM lovage.worker WHERE stopped_at IS NULL'), {
        withinMs: 30_000,
        everyMs: 50,
      });
      // Until something is archived, the first tenth would have the machine for itself.
      await worker.during(drainTenth(client, perTenth));
      const rates: number[] = [];
      for (let tenth = 1; tenth <= TENTHS; tenth += 1) {
        bench.progress.say(`soak: ${tenth}/${TENTHS} of ${perTenth * TENTHS} tasks`);
        const ms = await worker.during(drainTenth(client, perTenth));
        rates.push((perTenth / ms) * 1000);
        await printTenth(bench, client, tenth * perTenth, rates.at(-1) ?? 0);
      }
      await verify(client);
      const ratio = (rates.at(-1) ?? NaN) / (rates[0] ?? NaN);
      return [
        {
          what: `drain rate of the last tenth of ${perTenth * TENTHS} tasks, times that of the first, with retention on`,
          value: ratio,
          min: Math.min(...rates) / (rates[0] ?? NaN),
          max: Math.max(...rates) / (rates[0] ?? NaN),
          unit: '×',
          bar: atLeast(BAR, ratio, '×'),
        },
      ];
    });
  },
};

/** Milliseconds from the commit of so many tasks until the last of them has ended. */
async function drainTenth(client: pg.Client, tasks: number): Promise<number> {
  await client.query('BEGIN');
  for (let left = tasks; left > 0; left -= CHUNK) {
    const some = JSON.stringify(Array.from({ length: Math.min(CHUNK, left) }, () => TASK));
    await client.query('SELECT count(*) FROM lovage.add_tasks($1)', [some]);
  }
  await client.query("SELECT pg_notify('lovage_ready', 'diag')");
  await client.query('COMMIT');
  const startedAt = performance.now();
  const [queue] = (await client.query<{ job_table: string }>("SELECT lovage.job_table('diag') AS job_table"))
    .rows;
  // A job lives as long as its task is not final.
  const isEmpty = async () => !(await hasRow(client, `SELECT FROM pgboss."${queue?.job_table}" LIMIT 1`));
  await until('the queue to be empty', isEmpty, { withinMs: 3_600_000, everyMs: 20 });
  return performance.now() - startedAt;
}

const hasRow = async (client: pg.Client, sql: string): Promise<boolean> =>
  (await client.query(sql)).rows.length > 0;

async function printTenth(bench: Bench, client: pg.Client, done: number, rate: number): Promise<void> {
  const { rows } = await client.query<{ mb: number[]; archived: number; partitions: number }>(
    `SELECT ARRAY(SELECT coalesce((SELECT sum(pg_total_relation_size(i.relid)) FROM pg_partition_tree(t::regclass) i),
                                  pg_total_relation_size(t::regclass))::float8 / 1048576
                  FROM unnest($1::text[]) WITH ORDINALITY AS u (t, n) ORDER BY n) AS mb,
            (SELECT coalesce(sum(tasks), 0)::int FROM lovage.archive_partition) AS archived,
            (SELECT count(*)::int FROM lovage.archive_partition WHERE tasks > 0) AS partitions`,
    [TABLES],
  );
  const { mb = [], archived = 0, partitions = 0 } = rows[0] ?? {};
  const sizes = TABLES.map((table, place) => `${table.slice(7)} ${figure(mb[place] ?? 0)} MB`).join(', ');
  bench.print(
    `  ${done.toLocaleString('en').padStart(9)} tasks   ${figure(rate)} tasks/s   ${sizes} (${archived.toLocaleString('en')} tasks in ${partitions} partitions)`,
  );
}

async function verify(client: pg.Client): Promise<void> {
  const { rows } = await client.query('SELECT * FROM lovage.check_invariants() LIMIT 5');
  if (rows.length > 0) throw new Error(`invariants are broken: ${JSON.stringify(rows)}`);
}
