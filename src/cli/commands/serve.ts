import { startApi } from '../../api/server.ts';
import { createAuthenticator } from '../../keys/authenticate.ts';
import { readMounts } from '../../mounts.ts';
import { openLovage } from '../../open.ts';
import { defineCommand } from '../command.ts';
import { readRootKey } from '../kept-secrets.ts';
import { lovageOptions } from '../open-options.ts';
import { withLastingSession } from '../session.ts';
import { firstSignal } from '../signals.ts';
import { version } from '../version.ts';

const CLOSE_MS = 10_000;

export const serve = defineCommand({
  name: 'serve',
  summary: 'The API alone; workers run elsewhere',
  examples: ['serve'],
  async run() {
    const stopped = firstSignal();
    return withLastingSession(async (session) => {
      const { settings, config, log, database } = session;
      const mounts = readMounts(config);
      const lovage = await openLovage(lovageOptions(session));
      const authenticator = createAuthenticator(
        lovage.pool,
        await readRootKey(settings, database.isEmbedded),
      );
      try {
        const api = await startApi({ lovage, authenticator, settings, mounts, version: version() });
        log.info({ url: api.url, dialects: api.dialects }, 'serving');
        await stopped;
        await api.close(CLOSE_MS);
      } finally {
        await lovage.close();
      }
      return 0;
    });
  },
});
