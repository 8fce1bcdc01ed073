import { z } from 'zod';
import { HOUSEKEEPING_QUEUE } from '../config.ts';
import type { Lovage } from '../lovage.ts';
import { sendOnce } from '../queue/send-once.ts';
import { defineTask, type AnyTask } from '../task.ts';
import { uuidV7 } from '../uuid.ts';
import { DEFAULT_TENANT } from '../wire.ts';
import { keepHouse } from './keep-house.ts';
import { makePartitions } from './partitions.ts';
import type { Ages } from './sweep.ts';

const NAME = 'lovage.keepHouse';

/** Keeps house as a task like any other: a worker that dies at it is rescued, and another goes on. */
export const defineHousekeeping = (lovage: Pick<Lovage, 'pool' | 'url' | 'log'>, ages: Ages): AnyTask =>
  defineTask({
    name: NAME,
    queue: HOUSEKEEPING_QUEUE,
    input: z.strictObject({}),
    output: z.record(z.string(), z.unknown()),
    attempts: 3,
    // What is left then is the next one's.
    softLimitMs: 240_000,
    run: async ({ signal }) => ({ ...(await keepHouse(lovage, ages, { signal })) }),
  });

/**
 * Asks for a round now and then: of all the workers that do, one gets it in each period, and none while one is under way. The
 * partitions that come next are seen to here, whatever becomes of that task. Returns the way to end it.
 */
export function askForHousekeeping(
  { pool, notifier, log }: Pick<Lovage, 'pool' | 'notifier' | 'log'>,
  everyMs: number,
): () => void {
  async function ask(): Promise<void> {
    await makePartitions(pool, log);
    const { outcome } = await sendOnce(pool, { task: newRound(everyMs) });
    if (outcome === 'added') notifier.ready(HOUSEKEEPING_QUEUE);
  }
  // Workers that were started together do not all come at once.
  const timer = setInterval(
    () =>
      void ask().catch((error: unknown) => log.debug({ err: error }, 'housekeeping could not be asked for')),
    everyMs * (0.75 + Math.random() / 2),
  ).unref();
  return () => clearInterval(timer);
}

const newRound = (everyMs: number) => ({
  id: uuidV7(),
  tenant: DEFAULT_TENANT,
  name: NAME,
  queue: HOUSEKEEPING_QUEUE,
  priority: 0,
  maxAttempts: 3,
  resultTtlMs: 86_400_000,
  input: {},
  tags: [],
  createdBy: 'lovage',
  dedupe: { key: 'one at a time', withinMs: Math.round(everyMs / 2) },
});
