import type { BatchView } from '../../../wire/batches.ts';

/** `3 succeeded, 1 failed`: the states that there are. */
export const describeCounts = ({ counts }: BatchView): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ');
