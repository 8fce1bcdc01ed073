import { availableParallelism } from 'node:os';
import type { Log } from '../../log.ts';
import type { Attempt, Runner } from '../attempt/attempt.ts';
import type { Child } from './pool/child.ts';
import { ChildPool } from './pool/pool.ts';
import type { ChildLimits } from './pool/wear.ts';

/** A worker that was killed at full load leaves more behind than a machine can start processes for. */
const MAX_ALONE = 10;

/**
 * Runs handlers in child processes, one attempt in each at a time: for work that keeps a CPU busy. Children are kept
 * warm; as many are busy as the machine has CPUs, and further attempts wait their turn. What runs again after a crash
 * does not wait for those: its child is in nobody's way.
 */
export function createProcessRunner(options: {
  configFile: string;
  databaseUrl: string;
  prepares?: boolean | undefined;
  /** `LOVAGE_SECRET`, for the handlers' vaults. */
  secret?: string | undefined;
  log: Log;
  limits?: ChildLimits | undefined;
}): Runner & Pick<ChildPool, 'keepWarm' | 'counts'> {
  const { limits = {}, ...rest } = options;
  const max = Math.max(2, availableParallelism());
  const pool = new ChildPool({ ...rest, limits, max, maxAlone: MAX_ALONE });
  const children = new Map<Attempt, Child>();
  return {
    keepWarm: () => pool.keepWarm(),
    counts: () => pool.counts(),
    async run(definition, attempt, input) {
      const { signal, claim } = attempt;
      const held = await pool.take({ signal, isAlone: claim.crashes > 0 });
      const { child } = held;
      const release = () => {
        children.delete(attempt);
        held.release();
      };
      try {
        if (signal.aborted) throw signal.reason;
        children.set(attempt, child);
        const { output, hasWrites } = await child.run(definition.name, attempt, input);
        if (hasWrites) return { output, settle: (settlement, by) => child.settle(settlement, by), release };
        release();
        return { output };
      } catch (error) {
        release();
        throw error;
      }
    },
    kill(attempt) {
      const child = children.get(attempt);
      child?.kill('it did not stop in time');
      return child !== undefined;
    },
    close: () => pool.close(),
  };
}
