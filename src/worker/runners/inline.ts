import { connect } from '../../db/connect.ts';
import type { Log } from '../../log.ts';
import type { Runner } from '../attempt.ts';

/**
 * Runs handlers in this process, many at once: for work that waits on others. Their database connections are their
 * own, so that a handler's long statement neither meets the worker's clocks nor takes a claim's place.
 */
export function createInlineRunner(options: { url: string; log: Log; max: number }): Runner {
  const { pool, db } = connect({ ...options, applicationName: 'lovage handlers' });
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
    close: () => pool.end(),
  };
}
