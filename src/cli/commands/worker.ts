import { createAuthenticator } from '../../keys/authenticate.ts';
import { createScrapeGuard } from '../../keys/scrape.ts';
import type { Settings } from '../../settings/settings.ts';
import { openWorkerDoor, type Door } from '../../worker/door.ts';
import { startWorker, type RunningWorker } from '../../worker/start.ts';
import { CHILD_OPTIONS, readChildLimits } from '../child-limits.ts';
import { defineCommand, UsageError } from '../command.ts';
import { readRootKey } from '../kept-secrets.ts';
import { workerOptions } from '../open-options.ts';
import { text, whole } from '../options.ts';
import { withLastingSession } from '../session.ts';
import { firstSignal } from '../signals.ts';
import { MEMORY_OPTION, whenToEnd } from '../when-to-end.ts';
import { version } from '../version.ts';

export const worker = defineCommand({
  name: 'worker',
  summary: 'Claims and runs tasks',
  options: {
    queues: text('a,b', 'serve these queues only (default: all)', 'queues'),
    concurrency: whole('N', 'attempts at a time over all its queues (default 10)', [1, 10_000]),
    ...MEMORY_OPTION,
    ...CHILD_OPTIONS,
  },
  examples: ['worker', 'worker --queues filings,mail --concurrency 20'],
  async run({ concurrency: slots, 'max-memory': maxMemoryMb, ...values }) {
    const children = readChildLimits(values);
    const queues = values.queues
      ?.split(',')
      .map((queue) => queue.trim())
      .filter(Boolean);
    if (queues?.length === 0) throw new UsageError('--queues names no queue');
    const stopped = firstSignal();
    return withLastingSession(async (session) => {
      const { settings, log, database } = session;
      const running = await startWorker({ ...workerOptions(session, { slots, children }), queues });
      const door = await openDoor(running, settings, database.isEmbedded);
      if (door) log.info({ url: door.url }, 'answers probes and scrapes');
      const code = await whenToEnd({ stopped, toldToEnd: running.toldToEnd, maxMemoryMb, log });
      // Until it is over: who looks sees that it drains.
      await running.drain(settings.drainMs);
      await door?.close();
      return code;
    });
  },
});

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
