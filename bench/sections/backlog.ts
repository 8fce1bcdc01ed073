import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { createLog } from '../../src/log.ts';
import { openLovage } from '../../src/open.ts';
import { loadConfig } from '../../src/load-config.ts';
import type { Lovage } from '../../src/lovage.ts';
import { openClaims } from '../../src/queue/claim.ts';
import { listBatches } from '../../src/batches/list.ts';
import { listQueues } from '../../src/queues/list.ts';
import { explainTask } from '../../src/tasks/explain.ts';
import { getTask } from '../../src/tasks/get.ts';
import { listTasks } from '../../src/tasks/list.ts';
import { listWorkers } from '../../src/workers/list.ts';
import { SCOPES, type Caller } from '../../src/wire.ts';
import { atMost, type Claim, type Section } from '../bench.ts';
import { BENCH_CONFIG } from '../measure/lovage-process.ts';
import { withClient } from '../measure/postgres-server.ts';
import { figure, median } from '../measure/statistics.ts';

const TIMES = 21;
/** What it takes with millions of rows around it, times what it takes in a small database; and what nobody notices anyway. */
const BAR = 3;
const NOTICED_MS = 5;
const CALLER: Caller = { actor: 'key:bench', tenant: 'default', scopes: new Set(SCOPES) };

export const backlog: Section = {
  name: 'backlog',
  title: 'Claim, look-up and lists, with a backlog of a million and a history of ten million',
  isLong: true,
  async run(bench) {
    const sizes = bench.isQuick
      ? { waiting: 100_000, history: 1_000_000 }
      : { waiting: 1_000_000, history: 10_000_000 };
    await using small = await bench.server.clone();
    await using large = await bench.server.clone();
    const say = (what: string) => bench.progress.say(what);
    const before = await measure(small.url, SMALL, say);
    const after = await measure(large.url, sizes, say);
    bench.print(`  ${'what'.padEnd(34)} ${'small'.padStart(9)} ${'large'.padStart(9)}`);
    return [...after].map(([what, ms]): Claim => {
      const base = before.get(what) ?? NaN;
      bench.print(
        `  ${what.padEnd(34)} ${`${figure(base)} ms`.padStart(9)} ${`${figure(ms)} ms`.padStart(9)}`,
      );
      const value = Math.max(ms, NOTICED_MS) / Math.max(base, NOTICED_MS);
      return {
        what: `${what}, times that in a small database`,
        value,
        min: value,
        max: value,
        unit: '×',
        bar: atMost(BAR, value, '×'),
      };
    });
  },
};

/** What is counted up to ten thousand, is so here too. */
const SMALL: Sizes = { waiting: 20_000, history: 1_000 };

type Sizes = { waiting: number; history: number };

async function measure(url: string, sizes: Sizes, say: (what: string) => void): Promise<Map<string, number>> {
  say(`backlog: making ${sizes.waiting} waiting tasks and a history of ${sizes.history}`);
  const ids = await withClient(url, (client) => fill(client, sizes));
  const log = createLog({ level: 'silent' });
  const lovage = await openLovage({
    config: await loadConfig(BENCH_CONFIG),
    url,
    log,
    queryTimeoutMs: 60_000,
  });
  const claims = await openClaims(lovage.pool, randomUUID(), log);
  const found = new Map<string, number>();
  try {
    for (const [what, work] of works(lovage, claims.claim, ids)) {
      say(`backlog: ${what}`);
      found.set(what, await medianMs(work));
    }
  } finally {
    await claims.close();
    await lovage.close();
  }
  return found;
}

interface Ids {
  waiting: string;
  archived: string;
}

const works = (
  lovage: Lovage,
  claim: (queue: string, limit: number) => Promise<unknown>,
  ids: Ids,
): [string, () => Promise<unknown>][] => [
  ['claim of 10', () => claim('diag', 10)],
  ['get, waiting', () => getTask(lovage, CALLER, ids.waiting)],
  ['get, archived', () => getTask(lovage, CALLER, ids.archived)],
  ['get, unknown', () => getTask(lovage, CALLER, randomUUID()).catch(() => undefined)],
  ['list, newest', () => listTasks(lovage, CALLER, {})],
  ['list, by name', () => listTasks(lovage, CALLER, { name: 'diag.noop' })],
  ['list, failed', () => listTasks(lovage, CALLER, { state: ['failed'] })],
  ['list, by queue and succeeded', () => listTasks(lovage, CALLER, { queue: 'diag', state: ['succeeded'] })],
  ['list, by tag', () => listTasks(lovage, CALLER, { tag: 'rare' })],
  ['explain', () => explainTask(lovage, CALLER, ids.waiting)],
  ['queues', () => listQueues(lovage)],
  ['workers', () => listWorkers(lovage)],
  ['batches', () => listBatches(lovage, CALLER)],
  [
    'archive step, nothing due',
    () => lovage.pool.query("SELECT lovage.archive_step('00000000-0000-0000-0000-000000000000')"),
  ],
];

async function medianMs(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let left = TIMES; left > 0; left -= 1) {
    const startedAt = performance.now();
    await work();
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

/** History in ninety partitions, a day each; of it one in a hundred failed, and one in a hundred thousand bears a tag. */
async function fill(client: pg.Client, { waiting, history }: Sizes): Promise<Ids> {
  await client.query('SET synchronous_commit = off');
  await client.query(
    `SELECT lovage.make_archive_partition(now() + n * interval '1 day') FROM generate_series(0, 90) n`,
  );
  await client.query(
    `INSERT INTO lovage.task_archive (id, tenant, name, queue, state, attempt, tags, created_at, finished_at, archived_at, expires_at, task, events)
     SELECT lovage.uuid_v7_at((extract(epoch FROM w.at) * 1000000)::bigint), 'default', 'diag.noop', 'diag',
            CASE WHEN n % 100 = 0 THEN 'failed' ELSE 'succeeded' END::lovage.task_state, 1,
            CASE WHEN n % 100000 = 0 THEN '{rare}' ELSE '{}' END::text[], w.at, w.at, w.at + interval '1 day', w.at + interval '91 days',
            '{"priority": 0, "max_attempts": 3, "failures": 0, "crashes": 0, "result_ttl_ms": 86400000, "input": {}, "events": 4, "notifies": false}'::jsonb
              || jsonb_build_object('due_at', w.at, 'started_at', w.at),
            '[{"number": 1, "type": "queued", "attempt": 0, "data": {}}, {"number": 2, "type": "started", "attempt": 1, "data": {}},
              {"number": 3, "type": "succeeded", "attempt": 1, "data": {}}, {"number": 4, "type": "archived", "attempt": 1, "data": {}}]'
     FROM generate_series(1, $1::int) n
     CROSS JOIN LATERAL (SELECT now() - interval '90 days' + n * (interval '89 days' / $1) AS at) w`,
    [history],
  );
  await client.query(
    `UPDATE lovage.archive_partition p SET tasks = c.tasks, min_id = c.ids[1], max_id = c.ids[2]
     FROM (SELECT q.name, count(*) AS tasks,
                  ARRAY[(SELECT a.id FROM lovage.task_archive a WHERE a.expires_at >= q.from_at AND a.expires_at < q.to_at ORDER BY a.id LIMIT 1),
                        (SELECT a.id FROM lovage.task_archive a WHERE a.expires_at >= q.from_at AND a.expires_at < q.to_at ORDER BY a.id DESC LIMIT 1)] AS ids
           FROM lovage.archive_partition q JOIN lovage.task_archive a ON a.expires_at >= q.from_at AND a.expires_at < q.to_at
           GROUP BY q.name, q.from_at, q.to_at) c
     WHERE p.name = c.name`,
  );
  const task = {
    name: 'diag.noop',
    queue: 'diag',
    tenant: 'default',
    maxAttempts: 3,
    input: {},
    createdBy: 'bench',
  };
  for (let left = waiting; left > 0; left -= 10_000)
    await client.query('SELECT count(*) FROM lovage.add_tasks($1)', [
      JSON.stringify(Array.from({ length: Math.min(left, 10_000) }, () => task)),
    ]);
  await client.query('VACUUM ANALYZE');
  const { rows } = await client.query<Ids>(
    `SELECT (SELECT id FROM lovage.task ORDER BY id DESC LIMIT 1) AS waiting,
            (SELECT id FROM lovage.task_archive WHERE expires_at > now() + interval '44 days' LIMIT 1) AS archived`,
  );
  const [ids] = rows;
  if (!ids) throw new Error('a SELECT without a table returned nothing');
  return ids;
}
