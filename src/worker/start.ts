import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { askForHousekeeping } from '../archive/housekeeping.ts';
import type { Ages } from '../archive/sweep.ts';
import type { Config } from '../config.ts';
import { HOUSEKEEPING_QUEUE } from '../config.ts';
import type { EgressOptions } from '../egress/egress.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Lovage } from '../lovage.ts';
import { examineRoad } from '../db/pooler.ts';
import { openLovage } from '../open.ts';
import { NOTHING, openClaims } from '../queue/claim.ts';
import { nextDue } from '../queue/due.ts';
import { openVaults } from '../vault.ts';
import { Attempts } from './attempt/attempts.ts';
import { watchForCancels } from './attempt/cancel-watch.ts';
import { Dispatcher } from './dispatch/dispatcher.ts';
import { drainWorker } from './drain.ts';
import { HOUSEKEEPING_SLOTS, withHousekeeping } from './housekeeping.ts';
import { followEnds } from './upkeep/follow-up.ts';
import { takeLease } from './lease/lease.ts';
import { countClaims } from './dispatch/count-claims.ts';
import { recoverClaims } from './dispatch/recover-claims.ts';
import { ReportWriter } from './report/reporter.ts';
import { reportRescued } from './lease/report-rescued.ts';
import { createInlineRunner } from './runners/inline.ts';
import type { ChildLimits } from './runners/pool/wear.ts';
import { createProcessRunner } from './runners/process.ts';
import { requireReachable } from './runners/require-reachable.ts';
import { ScheduleTicker } from './upkeep/schedule-ticker.ts';
import { Settler } from './settle/settler.ts';
import { shareSlots } from './dispatch/slots.ts';

export interface WorkerOptions {
  config: Config;
  /** The file that `config` was loaded from: child processes load it again. */
  configFile: string;
  url: string;
  /** Leads past a pooler to the same database, for the lease and for LISTEN. Default: `url`. */
  directUrl?: string | undefined;
  /** False: no statement is left prepared, for a pooler that cannot find it again. */
  prepares?: boolean | undefined;
  /** `LOVAGE_SECRET`. */
  secret?: string | undefined;
  /** Where webhooks may go. */
  egress?: EgressOptions | undefined;
  log: Log;
  /** Where the process counts other things as well. Default: of its own. */
  metrics?: Metrics | undefined;
  /** Default: all that the configuration declares. */
  queues?: readonly string[] | undefined;
  /** Attempts at a time, over all queues. Default 10. */
  slots?: number | undefined;
  version: string;
  /** After so long without an answer a connection is given up, and what it was asked is asked again. Default 30 s. */
  queryTimeoutMs?: number | undefined;
  /** How often the database is swept, by one worker of all. Default: every minute. */
  housekeepingMs?: number | undefined;
  /** How long is kept what has only its age. */
  ages?: Ages | undefined;
  /** When child processes are replaced. Default: never. */
  children?: ChildLimits | undefined;
}

export interface RunningWorker {
  id: string;
  /** Its connection. */
  lovage: Pick<Lovage, 'pool' | 'metrics'>;
  /** It claims, and Postgres answered last time. */
  isReady: () => boolean;
  running(): number;
  /** Resolves when somebody tells it to end (`lovage workers drain`): whoever started it drains it then. */
  toldToEnd: Promise<void>;
  /** Stops claiming, waits for running attempts up to the grace, hands the rest back. Repeatable. */
  drain(graceMs: number): Promise<{ handedBack: number }>;
}

const DEFAULT_SLOTS = 10;
/** At most so many for all inline handlers together; more of them wait their turn. */
const HANDLER_CONNECTIONS = 10;
const QUERY_TIMEOUT_MS = 30_000;
const HOUSEKEEPING_MS = 60_000;
const LOSES_PREPARED =
  'the pooler between this worker and Postgres forgets prepared statements: set LOVAGE_PREPARE=0, or PgBouncer 1.21 with max_prepared_statements';

/** Starts to claim and run tasks of a migrated database. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { config, configFile, url, directUrl, prepares, version, slots = DEFAULT_SLOTS } = options;
  const queues = shareSlots(config, options.queues, slots);
  const wantsChildren = await requireReachable({ config, configFile, queues: new Set(queues.keys()) });
  const id = randomUUID();
  const log = options.log.child({ worker: id });
  // Claims and settles that went unanswered are found out about, so a connection that says nothing is worth giving up.
  const { queryTimeoutMs = QUERY_TIMEOUT_MS } = options;
  const road = await examineRoad(url);
  if (road.losesPrepared && prepares !== false) log.warn(LOSES_PREPARED);
  const lovage = await openLovage({
    config,
    url,
    directUrl,
    prepares,
    secret: options.secret,
    egress: options.egress,
    log,
    metrics: options.metrics,
    role: 'worker',
    max: 8,
    queryTimeoutMs,
    // A pooler knows no such parameter, and refuses who sends it.
    ...(road.isPooled ? {} : { statementTimeoutMs: queryTimeoutMs }),
    channels: ['lovage_ready', 'lovage_cancel', 'lovage_follow', 'lovage_schedule', 'lovage_drain'],
  });
  const { pool, listener, notifier, metrics } = lovage;
  const served = withHousekeeping(config, lovage, { version, ages: options.ages ?? {} });

  const work = metrics.work(served.tasks.keys());
  const reports = new ReportWriter(pool, notifier, log);
  const settler = new Settler(pool, id, log, work);
  const processes = createProcessRunner({
    configFile,
    databaseUrl: url,
    prepares,
    secret: options.secret,
    log,
    limits: options.children,
  });
  const inline = createInlineRunner({
    url,
    prepares,
    log,
    max: Math.min(slots, HANDLER_CONNECTIONS),
    workerPool: pool,
    metrics,
    vaults: openVaults(config, lovage.secret),
  });
  const runners = { inline, process: processes };
  const onDelay = (delayMs: number) => dispatcher.expect(delayMs);
  const attempts = new Attempts({
    config: served,
    runners,
    reports,
    settler,
    notifier,
    pool,
    workerId: id,
    work,
    onDelay,
    onSettled: (queue) => dispatcher.makeRoom(queue),
    log,
  });
  const { running } = attempts;
  const claims = await openClaims(pool, id, log);
  const claim = recoverClaims({ claim: claims.claim, pool, workerId: id, running, log });
  const counted = countClaims(claim, work);
  const dispatcher = new Dispatcher({
    queues,
    slots,
    apart: new Map([[HOUSEKEEPING_QUEUE, HOUSEKEEPING_SLOTS]]),
    // What it claimed without its lease, others would take for a dead worker's.
    claim: async (queue, limit) => (lease.isHeld ? counted(queue, limit) : NOTHING),
    run: attempts.run,
    nextDue: (names) => nextDue(pool, names),
    offer: (queue) => notifier.ready(queue),
    listener,
    log,
  });

  // A notification comes at once, the heartbeat brings what it missed.
  const { promise: toldToEnd, resolve: tellToEnd } = Promise.withResolvers<void>();
  listener.on('lovage_drain', (workerId) => workerId === id && tellToEnd());

  await reconcile(url, log);
  const lease = await takeLease({
    pool,
    url: directUrl ?? url,
    workerId: id,
    queues: [...queues.keys()],
    tasks: [...served.tasks.keys()],
    slots,
    version,
    log,
    onLost: (why, wasHeld) => {
      if (wasHeld) work.lostLease();
      attempts.lose(why);
    },
    onRescued: (tasks) => {
      for (const { name, is_crash, state } of tasks) work.rescued({ name, isCrash: is_crash, state });
      reportRescued(tasks, notifier, log);
    },
    onDrain: tellToEnd,
  });
  const stopWatching = watchForCancels({ running, pool, listener, log });
  const stopAsking = askForHousekeeping(lovage, options.housekeepingMs ?? HOUSEKEEPING_MS);
  const stopFollowing = followEnds({ pool, listener, log });
  if (wantsChildren) processes.keepWarm();
  dispatcher.start();
  const ticker = new ScheduleTicker(lovage);
  ticker.start();
  work.watch({ running: () => running.size, slots, children: () => processes.counts() });
  log.info({ queues: Object.fromEntries(queues), slots }, 'worker started');

  async function stopClaiming(): Promise<void> {
    await Promise.all([dispatcher.stop(), ticker.stop(), lease.announceEnd()]);
  }
  async function close(): Promise<void> {
    // What could not be handed back is left to those who rescue the tasks of the dead.
    const isClean = running.size === 0;
    stopWatching();
    stopAsking();
    await stopFollowing();
    reports.close();
    settler.close();
    await claims.close();
    await Promise.all([inline.close(), processes.close(), lease.release({ isClean })]);
    await lovage.close();
  }
  return {
    id,
    lovage,
    isReady: () => dispatcher.isHealthy && listener.isConnected && lease.isHeld,
    running: () => running.size,
    toldToEnd,
    drain: drainWorker({ attempts, stopClaiming, close, log }),
  };
}

/** What no trigger saw is mended before the first claim. */
async function reconcile(url: string, log: Log): Promise<void> {
  // On a connection of its own: it reads all there is, which may take longer than a claim ever should.
  const client = new pg.Client({ connectionString: url, application_name: 'lovage reconcile' });
  await client.connect();
  try {
    const { rows } = await client.query<{ mended: string; task_id: string }>(
      'SELECT mended, task_id FROM lovage.reconcile()',
    );
    for (const { mended, task_id } of rows) log.warn({ task: task_id }, `reconciled: ${mended}`);
  } finally {
    await client.end();
  }
}
