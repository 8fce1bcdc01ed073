import { defineHousekeeping } from '../archive/housekeeping.ts';
import type { Ages } from '../archive/sweep.ts';
import { withHousekeepingQueue, type Config } from '../config.ts';
import type { Lovage } from '../lovage.ts';
import { defineDelivery } from '../webhooks/deliver.ts';

/** Lovage's own tasks at a time in one worker, beside its slots: they mostly wait for others. */
export const HOUSEKEEPING_SLOTS = 20;

/** What a worker runs: the user's definitions, and Lovage's own. */
export function withHousekeeping(
  config: Config,
  lovage: Lovage,
  options: { version: string; ages: Ages },
): Config {
  const own = [
    defineDelivery({ ...lovage, version: options.version }),
    defineHousekeeping(lovage, options.ages),
  ];
  return withHousekeepingQueue({
    ...config,
    tasks: new Map([...config.tasks, ...own.map((task) => [task.name, task] as const)]),
  });
}
