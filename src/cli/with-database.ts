import type { Lovage } from '../lovage.ts';
import { openLovage } from '../open.ts';
import { withSession } from './session.ts';

/** Opens the database for commands that go to it themselves. */
export const withDatabase = (work: (lovage: Lovage) => Promise<number>): Promise<number> =>
  withSession(
    async ({ settings, config, database, log, secret }) => {
      const { url, directUrl } = database;
      const egress = { allow: settings.webhookAllow };
      const { idempotencyTtlMs, prepares } = settings;
      const lovage = await openLovage({
        config,
        url,
        directUrl,
        prepares,
        secret,
        egress,
        log,
        idempotencyTtlMs,
      });
      try {
        const code = await work(lovage);
        await lovage.notifier.flush();
        return code;
      } finally {
        await lovage.close();
      }
    },
    { logLevel: 'warn', changesDefinitions: false },
  );
