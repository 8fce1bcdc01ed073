import { connect } from '../../db/connect.ts';
import type { Log } from '../../log.ts';
import type { Runner } from '../attempt.ts';
import { HandlerWrites } from '../settle-alone.ts';

/**
 * Runs handlers in this process, many at once: for work that waits on others. Their database connections are their
 * own, so that a handler's long statement neither meets the worker's clocks nor takes a claim's place.
 */
export function createInlineRunner(options: { url: string; log: Log; max: number }): Runner {
  const { pool, db } = connect({ ...options, applicationName: 'lovage handlers' });
  return {
    async run(definition, attempt, input) {
      const { claim, reporter } = attempt;
      let writes: HandlerWrites | undefined;
      attempt.begin();
      const output: unknown = await definition.run({
        input,
        id: claim.id,
        attempt: claim.attempt,
        get signal() {
          return attempt.signal;
        },
        db,
        progress: (progress) => reporter.progress(progress),
        log: (message, data) => reporter.log(message, data),
        onSettle: (write) => (writes ??= new HandlerWrites()).add(write),
      });
      const settle = writes?.settling(pool, claim.queue);
      return settle ? { output, settle } : { output };
    },
    // It shares this process with others.
    kill: () => false,
    close: () => pool.end(),
  };
}
