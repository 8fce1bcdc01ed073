import { createAuthenticator } from '../../keys/authenticate.ts';
import { createScrapeGuard } from '../../keys/scrape.ts';
import type { Settings } from '../../settings.ts';
import { openWorkerDoor, type Door } from '../../worker/door.ts';
import { startWorker, type RunningWorker } from '../../worker/start.ts';
import { optionalNumber, readArguments } from '../arguments.ts';
import { CHILD_FLAGS, CHILD_HELP, readChildLimits } from '../child-limits.ts';
import { UsageError, type Command } from '../command.ts';
import { readRootKey } from '../kept-secrets.ts';
import { withLastingSession } from '../session.ts';
import { firstSignal } from '../signals.ts';
import { MEMORY_FLAG, MEMORY_HELP, readMaxMemory, whenToEnd } from '../when-to-end.ts';
import { version } from '../version.ts';

export const worker: Command = {
  name: 'worker',
  summary: 'Claims and runs tasks',
  usage: 'worker [--queues a,b] [--concurrency N] [--max-memory MB] [--max-tasks-per-child N]',
  options: [
    ['--queues a,b', 'serve these queues only (default: all)'],
    ['--concurrency N', 'attempts at a time over all its queues (default 10)'],
    ...MEMORY_HELP,
    ...CHILD_HELP,
  ],
  examples: ['worker', 'worker --queues filings,mail --concurrency 20'],
  async run(args) {
    const { values } = readArguments(args, {
      queues: { type: 'string' },
      concurrency: { type: 'string' },
      ...MEMORY_FLAG,
      ...CHILD_FLAGS,
    });
    const slots = optionalNumber(values.concurrency, '--concurrency', 1, 10_000);
    const maxMemoryMb = readMaxMemory(values['max-memory']);
    const children = readChildLimits(values);
    const queues = values.queues
      ?.split(',')
      .map((queue) => queue.trim())
      .filter(Boolean);
    if (queues?.length === 0) throw new UsageError('--queues names no queue');
    const stopped = firstSignal();
    return withLastingSession(async ({ settings, config, log, database, secret }) => {
      const running = await startWorker({
        config,
        configFile: settings.configFile,
        url: database.url,
        directUrl: database.directUrl,
        secret,
        egress: { allow: settings.webhookAllow },
        log,
        queues,
        slots: slots ?? settings.concurrency,
        children: { ...children, maxTasks: children.maxTasks ?? settings.maxTasksPerChild },
        queryTimeoutMs: settings.queryTimeoutMs,
        housekeepingMs: settings.housekeepingMs,
        ages: { auditMs: settings.auditRetentionMs, deliveriesMs: settings.keeping.retentionMs },
        version: version(),
      });
      const door = await openDoor(running, settings, database.isEmbedded);
      if (door) log.info({ url: door.url }, 'answers probes and scrapes');
      const code = await whenToEnd({
        stopped: Promise.race([stopped, running.drainRequested]),
        maxMemoryMb,
        log,
      });
      // Until it is over: who looks sees that it drains.
      await running.drain(settings.drainMs);
      await door?.close();
      return code;
    });
  },
};

async function openDoor(
  { lovage: { pool, metrics }, isReady }: RunningWorker,
  settings: Settings,
  isEmbedded: boolean,
): Promise<Door | undefined> {
  const { host, metricsPort: port } = settings;
  if (port === undefined) return undefined;
  const authenticator = createAuthenticator(pool, await readRootKey(settings, isEmbedded));
  metrics.expose(version(), pool);
  return openWorkerDoor({
    host,
    port,
    metrics,
    admit: createScrapeGuard(authenticator, settings.metricsOpen),
    isReady,
    version: version(),
  });
}
