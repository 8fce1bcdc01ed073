import { randomUUID } from 'node:crypto';
import { createLog } from '../../src/log.ts';
import { openLovage } from '../../src/open.ts';
import { loadConfig } from '../../src/load-config.ts';
import type { Lovage } from '../../src/lovage.ts';
import { openClaims } from '../../src/queue/claim.ts';
import { listBatches } from '../../src/batches/list.ts';
import { readCluster } from '../../src/metrics/read-cluster.ts';
import { listQueues } from '../../src/queues/list.ts';
import { getStats } from '../../src/stats/get.ts';
import { explainTask } from '../../src/tasks/explain.ts';
import { getTask } from '../../src/tasks/get.ts';
import { listTasks } from '../../src/tasks/list.ts';
import { listWorkers } from '../../src/workers/list.ts';
import { SCOPES, type Caller } from '../../src/wire.ts';
import { atMost, type Claim, type Section } from '../bench.ts';
import { BENCH_CONFIG } from '../measure/lovage-process.ts';
import { fillBacklog, type Ids, type Sizes } from '../measure/fill-backlog.ts';
import { figure, median } from '../measure/statistics.ts';

const TIMES = 21;
/** What it takes with millions of rows around it, times what it takes in a small database; and what nobody notices anyway. */
const BAR = 3;
const NOTICED_MS = 5;
const WIDTH = 60;
const CALLER: Caller = { actor: 'key:bench', tenant: 'default', scopes: new Set(SCOPES) };

export const backlog: Section = {
  name: 'backlog',
  title: 'Claim, look-up and lists, with a backlog of a million and a history of ten million',
  isLong: true,
  async run(bench) {
    const sizes = bench.isQuick
      ? { waiting: 200_000, history: 1_000_000 }
      : { waiting: 1_000_000, history: 10_000_000 };
    await using small = await bench.server.clone();
    await using large = await bench.server.clone();
    const say = (what: string) => bench.progress.say(what);
    const before = await measure(small.url, SMALL, say);
    const after = await measure(large.url, sizes, say);
    bench.print(`  ${'what'.padEnd(WIDTH)} ${'small'.padStart(9)} ${'large'.padStart(9)}`);
    return [...after].map(([what, ms]): Claim => {
      const base = before.get(what) ?? NaN;
      bench.print(
        `  ${what.padEnd(WIDTH)} ${`${figure(base)} ms`.padStart(9)} ${`${figure(ms)} ms`.padStart(9)}`,
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

async function measure(url: string, sizes: Sizes, say: (what: string) => void): Promise<Map<string, number>> {
  say(`backlog: making ${sizes.waiting} waiting tasks and a history of ${sizes.history}`);
  const ids = await fillBacklog(url, sizes);
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
  ['list, running', () => listTasks(lovage, CALLER, { state: ['running'] })],
  ['list, cancelled', () => listTasks(lovage, CALLER, { state: ['cancelled'] })],
  ['queues', () => listQueues(lovage)],
  ['stats', () => getStats(lovage)],
  ['metrics', () => readCluster(lovage.pool)],
  ['workers', () => listWorkers(lovage)],
  ['batches', () => listBatches(lovage, CALLER)],
  [
    'archive step, nothing due',
    () => lovage.pool.query("SELECT lovage.archive_step('00000000-0000-0000-0000-000000000000')"),
  ],
  ...viewsOf(ids).map((from): [string, () => Promise<unknown>] => [
    from.replace(/'[0-9a-f-]{36}'/, '…'),
    () => lovage.pool.query(`SELECT * FROM lovage.${from}`),
  ]),
];

/** Every view for operators, each as docs/sql.md calls it cheap. */
const viewsOf = ({ waiting, archived }: Ids): string[] => [
  `v_tasks WHERE id = '${archived}'`,
  'v_tasks ORDER BY id DESC LIMIT 50',
  "v_tasks WHERE name = 'diag.noop' ORDER BY id DESC LIMIT 50",
  "v_tasks WHERE queue = 'diag' ORDER BY id DESC LIMIT 50",
  `v_events WHERE task_id = '${waiting}'`,
  `v_attempts WHERE task_id = '${waiting}'`,
  `v_payloads WHERE id = '${archived}'`,
  'v_running',
  'v_queue_depth',
  'v_workers',
  'v_stuck',
  'v_throughput',
  'v_failures ORDER BY failed_at DESC LIMIT 20',
  'v_definitions',
  'v_schedules',
  'v_webhooks',
  'v_deliveries ORDER BY id DESC LIMIT 20',
  'v_batches ORDER BY id DESC LIMIT 20',
  'v_locks',
  'v_audit ORDER BY id DESC LIMIT 20',
];

async function medianMs(work: () => Promise<unknown>): Promise<number> {
  // The first look brings pages in from the disk.
  await work();
  const times: number[] = [];
  for (let left = TIMES; left > 0; left -= 1) {
    const startedAt = performance.now();
    await work();
    times.push(performance.now() - startedAt);
  }
  return median(times);
}
