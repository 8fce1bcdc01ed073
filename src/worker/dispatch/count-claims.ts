import type { WorkMetrics } from '../../metrics/work.ts';
import type { Claims } from '../../queue/claim.ts';

/** Claims, and counts what came of it. */
export function countClaims(claim: Claims['claim'], work: WorkMetrics): Claims['claim'] {
  return async (queue, limit) => {
    try {
      const claimed = await claim(queue, limit);
      work.claimed(queue, claimed.tasks.length, limit);
      return claimed;
    } catch (error) {
      work.claimFailed(queue);
      throw error;
    }
  };
}
