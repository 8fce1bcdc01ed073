import { SetupError } from '../../errors.ts';
import type { Config } from '../../config.ts';

/**
 * How many of a worker's slots each queue may hold. Every queue leaves one slot to each of the others (up to half of
 * the slots in all), so that a queue full of long tasks never starves another.
 */
export function shareSlots(
  config: Config,
  wanted: readonly string[] | undefined,
  slots: number,
): Map<string, number> {
  const queues = wanted ?? [...config.queues.keys()];
  const reserved = Math.min(queues.length - 1, Math.floor(slots / 2));
  return new Map(
    queues.map((queue) => {
      const declared = config.queues.get(queue);
      if (!declared) {
        throw new SetupError(
          `queue "${queue}" is not declared; there are: ${[...config.queues.keys()].join(', ')}`,
        );
      }
      return [queue, Math.max(1, Math.min(declared.concurrency ?? slots, slots - reserved))];
    }),
  );
}
