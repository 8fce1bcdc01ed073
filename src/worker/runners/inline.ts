import { connect } from '../../db/connect.ts';
import type pg from 'pg';
import type { Log } from '../../log.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { Runner } from '../attempt/attempt.ts';
import { Children } from '../attempt/children.ts';
import { callHandler } from '../attempt/call-handler.ts';
import { judge } from '../attempt/retry-policy.ts';
import { headersOfTrace } from '../../tracing/trace-context.ts';
import { HandlerWrites } from '../settle/settle-alone.ts';
import type { Vaults } from '../../vault.ts';

/**
 * Runs handlers in this process, many at once: for work that waits on others. Their database connections are their
 * own, so that a handler's long statement neither meets the worker's clocks nor takes a claim's place.
 */
export function createInlineRunner(options: {
  url: string;
  prepares?: boolean | undefined;
  log: Log;
  max: number;
  /** The worker's own, for children: handlers that hold all the others must not wait for each other. */
  workerPool: pg.Pool;
  vaults: Vaults;
  metrics: Metrics;
}): Runner {
  const { workerPool, vaults, metrics, ...connection } = options;
  const { log } = options;
  const { pool, db } = connect({ ...connection, applicationName: 'lovage handlers' });
  metrics.connections.watchPool('handlers', pool);
  return {
    async run(definition, attempt, input) {
      const { claim, reporter } = attempt;
      const judged = (error: unknown) => judge(error, definition, { stopReason: attempt.stopReason, log });
      let writes: HandlerWrites | undefined;
      let made: Children | undefined;
      const children = () => (made ??= new Children(workerPool, { ...claim, trace: attempt.trace }));
      attempt.begin();
      const output = await callHandler(definition, judged, {
        input,
        id: claim.id,
        tenant: claim.tenant,
        attempt: claim.attempt,
        ...headersOfTrace(attempt.trace),
        get signal() {
          return attempt.signal;
        },
        db,
        vault: vaults(claim.name),
        progress: (progress) => reporter.progress(progress),
        log: (message, data) => reporter.log(message, data),
        onSettle: (write) => (writes ??= new HandlerWrites(judged)).add(write),
        enqueue: (task, given, how) => children().enqueue(task, given, how),
        waitFor: (those) => children().waitFor(those),
      });
      made?.refuseSwallowed();
      const settle = writes?.settling(pool, claim.queue);
      return settle ? { output, settle } : { output };
    },
    // It shares this process with others.
    kill: () => false,
    close: () => pool.end(),
  };
}
