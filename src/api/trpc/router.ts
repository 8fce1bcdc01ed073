import { z } from 'zod';
import type { Config } from '../../config.ts';
import { archiveProcedures } from './archive.ts';
import { batchProcedures } from './batches.ts';
import { enqueueAndWait } from './enqueue.ts';
import { enqueueOptions } from './fields.ts';
import { auditProcedures, keyProcedures } from './keys.ts';
import { procedureFor, t } from './procedures.ts';
import { queueProcedures } from './queues.ts';
import { scheduleProcedures } from './schedules.ts';
import { statsProcedures } from './stats.ts';
import { taskProcedures } from './tasks.ts';
import { webhookProcedures } from './webhooks.ts';
import { workerProcedures } from './workers.ts';

/**
 * The router of a configuration: the verbs, and under `run` one mutation a definition. Their names hold dots, which
 * tRPC takes for nesting: `run.filings.analyze` is one key here and two levels in the client's types.
 */
export function createRouter(config: Config) {
  const submitting = procedureFor('enqueue').input(enqueueOptions.extend({ input: z.unknown() }));
  const run = Object.fromEntries(
    [...config.tasks.keys()].map((name) => [
      name,
      submitting.mutation(({ ctx, input: { input, ...options } }) =>
        enqueueAndWait(ctx, { name, input, options }),
      ),
    ]),
  );
  return t.router({
    tasks: taskProcedures,
    batches: batchProcedures,
    queues: queueProcedures,
    schedules: scheduleProcedures,
    webhooks: webhookProcedures,
    keys: keyProcedures,
    audit: auditProcedures,
    workers: workerProcedures,
    archive: archiveProcedures,
    stats: statsProcedures,
    run,
  });
}

export type Router = ReturnType<typeof createRouter>;
