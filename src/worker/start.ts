import { randomUUID } from 'node:crypto';
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import { openLovage } from '../open.ts';
import { openClaims, type Claim } from '../queue/claim.ts';
import { nextDue } from '../queue/due.ts';
import { isFinal } from '../wire.ts';
import { Attempt, AttemptLost, Cancelled, ShuttingDown } from './attempt.ts';
import { watchForCancels } from './cancel-watch.ts';
import { Dispatcher } from './dispatcher.ts';
import { drainWorker } from './drain.ts';
import { startHeartbeat } from './heartbeat.ts';
import { recoverClaims } from './recover-claims.ts';
import { Reporter, ReportWriter } from './reporter.ts';
import { watchForDeadWorkers } from './rescue.ts';
import { runAttempt } from './run-attempt.ts';
import { createInlineRunner } from './runners/inline.ts';
import { createProcessRunner } from './runners/process.ts';
import { Settler } from './settler.ts';
import { shareSlots } from './slots.ts';

export interface WorkerOptions {
  config: Config;
  /** The file that `config` was loaded from: child processes load it again. */
  configFile: string;
  url: string;
  log: Log;
  /** Default: all that the configuration declares. */
  queues?: readonly string[] | undefined;
  /** Attempts at a time, over all queues. Default 10. */
  slots?: number | undefined;
  version: string;
}

export interface RunningWorker {
  id: string;
  /** It claims, and Postgres answered last time. */
  isReady: () => boolean;
  running(): number;
  /** Stops claiming, waits for running attempts up to the grace, hands the rest back. Repeatable. */
  drain(graceMs: number): Promise<{ handedBack: number }>;
}

/** Starts to claim and run tasks of a migrated database. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { config, url, version } = options;
  const slots = options.slots ?? 10;
  const queues = shareSlots(config, options.queues, slots);
  const id = randomUUID();
  const log = options.log.child({ worker: id });
  // A settle or a claim is never cut off by a clock: it is waited out, or its connection breaks.
  const lovage = await openLovage({ config, url, log, max: 8, queryTimeoutMs: 0 });
  const { pool, listener, notifier } = lovage;

  const running = new Map<string, Attempt>();
  const reports = new ReportWriter(pool, log);
  const settler = new Settler(pool, id, log);
  const processes = createProcessRunner({ configFile: options.configFile, databaseUrl: url, log });
  const runners = { inline: createInlineRunner(lovage.db), process: processes };
  const claims = await openClaims(pool, id, log);

  async function run(claim: Claim): Promise<void> {
    const attempt = new Attempt(claim, new Reporter(claim, reports.changed));
    // Reset by hand or rescued while it ran here: the older attempt's handler is told to stop.
    running.get(claim.id)?.stop(new AttemptLost('a later attempt of the task has started'));
    running.set(claim.id, attempt);
    if (claim.cancelRequested) attempt.stop(new Cancelled('the task was cancelled'));
    const outcome = await runAttempt(attempt, config.tasks.get(claim.name), runners);
    const settled = settle(attempt, outcome);
    // Slots come free as handlers end, not as outcomes are written, unless the writing falls behind.
    if (settler.isBehind) await settled;
  }

  async function settle(attempt: Attempt, outcome: Awaited<ReturnType<typeof runAttempt>>): Promise<void> {
    const { claim, reporter } = attempt;
    reports.forget(reporter);
    await reporter.written();
    const state = await settler.settle(claim.queue, { ...reporter.take(), ...outcome });
    if (running.get(claim.id) === attempt) running.delete(claim.id);
    if (state === null) {
      log.warn(
        { task: claim.id, attempt: claim.attempt },
        'the outcome was dropped: the attempt is no longer its own',
      );
    } else if (isFinal(state)) {
      notifier.final([claim.id]);
    } else if ('delayMs' in outcome) {
      dispatcher.expect(outcome.delayMs);
    }
  }

  const dispatcher = new Dispatcher({
    queues,
    slots,
    claim: recoverClaims({ claim: claims.claim, pool, workerId: id, running, log }),
    run,
    nextDue: (names) => nextDue(pool, names),
    listener,
    log,
  });
  const reconciled = await pool.query<{ mended: string; task_id: string }>(
    'SELECT mended, task_id FROM lovage.reconcile()',
  );
  for (const { mended, task_id } of reconciled.rows) log.warn({ task: task_id }, `reconciled: ${mended}`);
  const heartbeat = await startHeartbeat({
    pool,
    url,
    workerId: id,
    queues: [...queues.keys()],
    slots,
    version,
    onLost: () => {
      log.error('others took this worker for dead: its attempts are no longer its own');
      for (const attempt of running.values()) attempt.stop(new AttemptLost('the worker was taken for dead'));
    },
  });
  const stopRescuing = watchForDeadWorkers(pool, log, (names) =>
    names.forEach((name) => notifier.ready(name)),
  );
  const stopWatching = watchForCancels({ running, pool, listener, log });
  if ([...config.tasks.values()].some((task) => task.isolation === 'process' && queues.has(task.queue))) {
    processes.warm().catch((error: unknown) => log.error({ err: error }, 'could not start a child process'));
  }
  dispatcher.start();
  log.info({ queues: Object.fromEntries(queues), slots }, 'worker started');

  return {
    id,
    isReady: () => dispatcher.isHealthy && listener.isConnected,
    running: () => running.size,
    drain: drainWorker({
      running,
      stopClaiming: () => dispatcher.stop(),
      stopAttempts: () =>
        running.forEach((attempt) => attempt.stop(new ShuttingDown('its worker is shutting down'))),
      handBack: (attempt) =>
        settle(attempt, { kind: 'handed_back', reason: 'its worker is shutting down', delayMs: 0 }),
      close: async () => {
        // What could not be handed back is left to those who rescue the tasks of the dead.
        const isClean = running.size === 0;
        stopRescuing();
        stopWatching();
        reports.close();
        settler.close();
        await claims.close();
        await Promise.all([processes.close(), heartbeat.stop({ isClean })]);
        await lovage.close();
      },
      log,
    }),
  };
}
