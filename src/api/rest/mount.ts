import { OpenAPIHono } from '@hono/zod-openapi';
import { LovageError } from '../../errors.ts';
import type { ApiParts, HttpEnv } from '../context.ts';
import { faultsOf } from '../../json/faults.ts';
import { requireKey } from '../identify.ts';
import type { Router } from '../trpc/router.ts';
import { mountArchive } from './archive.ts';
import { mountAudit } from './audit.ts';
import { mountBatches } from './batches.ts';
import { mountCancel } from './cancel.ts';
import { mountKeys } from './keys.ts';
import { mountDeliveries } from './deliveries.ts';
import { mountQueues } from './queues.ts';
import { mountReads } from './read.ts';
import { mountRemove } from './remove.ts';
import { refuseNul } from './refuse-nul.ts';
import { refuseUnknown } from './refuse-unknown.ts';
import { mountRetry } from './retry.ts';
import { mountSchedules } from './schedules.ts';
import { mountStats } from './stats.ts';
import { mountStreams } from './stream.ts';
import { mountSubmit } from './submit.ts';
import { mountSweeps } from './sweep.ts';
import { mountWebhooks } from './webhooks.ts';
import { mountWorkers } from './workers.ts';

export const REST_PREFIX = '/v1';

/** The REST adapter: plain routes that call the same procedures as tRPC. */
export function createRest(parts: ApiParts, router: Router): OpenAPIHono<HttpEnv> {
  const rest = new OpenAPIHono<HttpEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const faults = faultsOf(result.error).map(({ pointer, detail }) => ({
        pointer: parameterOf(pointer),
        detail,
      }));
      throw new LovageError('validation', 'A parameter is out of range', { faults });
    },
  });
  rest.use(requireKey(parts), refuseNul, refuseUnknown(rest, REST_PREFIX));
  mountSubmit(rest, parts, router);
  mountReads(rest, parts, router);
  mountStreams(rest, parts, router);
  mountCancel(rest, parts, router);
  mountRetry(rest, parts, router);
  mountSweeps(rest, parts, router);
  mountBatches(rest, parts, router);
  mountQueues(rest, parts, router);
  mountSchedules(rest, parts, router);
  mountKeys(rest, parts, router);
  mountAudit(rest, parts, router);
  mountWebhooks(rest, parts, router);
  mountDeliveries(rest, parts, router);
  mountRemove(rest, parts, router);
  mountWorkers(rest, parts, router);
  mountArchive(rest, parts, router);
  mountStats(rest, parts, router);
  return rest;
}

/** A fault of a parameter points at its name; `/state/0` is the first of several. */
const parameterOf = (pointer: string): string => pointer.split('/')[1] ?? pointer;
