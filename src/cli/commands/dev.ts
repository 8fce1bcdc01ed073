import { startApi } from '../../api/server.ts';
import { createAuthenticator } from '../../keys/authenticate.ts';
import { Metrics } from '../../metrics/metrics.ts';
import { readMounts } from '../../mounts.ts';
import { openLovage } from '../../open.ts';
import { startWorker } from '../../worker/start.ts';
import { CHILD_OPTIONS, readChildLimits } from '../child-limits.ts';
import { defineCommand } from '../command.ts';
import { readRootKey } from '../kept-secrets.ts';
import { lovageOptions, workerOptions } from '../open-options.ts';
import { whole } from '../options.ts';
import { withLastingSession } from '../session.ts';
import { firstSignal } from '../signals.ts';
import { MEMORY_OPTION, whenToEnd } from '../when-to-end.ts';
import { version } from '../version.ts';
import { welcome } from '../welcome.ts';

const CLOSE_MS = 5_000;

export const dev = defineCommand({
  name: 'dev',
  summary: 'Everything in one process: Postgres, API and a worker',
  options: {
    concurrency: whole('N', 'attempts at a time in the worker (default 10)', [1, 10_000]),
    ...MEMORY_OPTION,
    ...CHILD_OPTIONS,
  },
  examples: ['dev', 'dev --concurrency 50'],
  async run({ concurrency: slots, 'max-memory': maxMemoryMb, ...values }) {
    const children = readChildLimits(values);
    const stopped = firstSignal();
    return withLastingSession(
      async (session) => {
        const { settings, config, log, database } = session;
        const mounts = readMounts(config);
        const rootKey = await readRootKey(settings, database.isEmbedded);
        const metrics = new Metrics();
        const lovage = await openLovage({ ...lovageOptions(session), metrics });
        const worker = await startWorker({ ...workerOptions(session, { slots, children }), metrics });
        const authenticator = createAuthenticator(lovage.pool, rootKey);
        try {
          const api = await startApi({
            lovage,
            authenticator,
            settings,
            mounts,
            isWorkerReady: worker.isReady,
            version: version(),
          });
          console.log(
            welcome({
              url: api.url,
              dialects: api.dialects,
              config,
              settings,
              isEmbedded: database.isEmbedded,
              key: rootKey,
              isKeyGiven: settings.apiKey !== undefined,
            }),
          );
          const code = await whenToEnd({ stopped, toldToEnd: worker.toldToEnd, maxMemoryMb, log });
          console.log('\nStopping: waiting for running tasks (once more to leave at once)');
          await Promise.all([api.close(CLOSE_MS), worker.drain(settings.drainMs)]);
          return code;
        } finally {
          await worker.drain(0);
          await lovage.close();
        }
      },
      { logLevel: 'warn' },
    );
  },
});
