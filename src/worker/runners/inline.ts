import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Runner } from '../attempt.ts';

/** Runs handlers in this process, many at once: for work that waits on others. */
export function createInlineRunner(db: NodePgDatabase): Runner {
  return {
    run: async (definition, { claim, reporter, signal }, input) =>
      definition.run({
        input,
        id: claim.id,
        attempt: claim.attempt,
        signal,
        db,
        progress: (progress) => reporter.progress(progress),
        log: (message, data) => reporter.log(message, data),
      }),
    close: async () => undefined,
  };
}
