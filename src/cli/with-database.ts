import type { Lovage } from '../lovage.ts';
import { openLovage } from '../open.ts';
import { lovageOptions } from './open-options.ts';
import { withSession } from './session.ts';

/** Opens the database for commands that go to it themselves. */
export const withDatabase = (work: (lovage: Lovage) => Promise<number>): Promise<number> =>
  withSession(
    async (session) => {
      const lovage = await openLovage(lovageOptions(session));
      try {
        const code = await work(lovage);
        await lovage.notifier.flush();
        return code;
      } finally {
        await lovage.close();
      }
    },
    { logLevel: 'warn', changes: false },
  );
