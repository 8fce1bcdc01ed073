import type { Executor } from '../db/connect.ts';
import { retryConflicts } from '../db/failures.ts';
import { makePartitionsFor } from './partitions.ts';

/** Rows that a step reads at most, and tasks that it moves in its one transaction. */
const LOOK_AT = 10_000;
const MOVE_AT_MOST = 1_000;
const START = '00000000-0000-0000-0000-000000000000';

export interface Moved {
  moved: number;
  looked: number;
  /** Steps that had tasks for which there was no partition, nor could one be made: those stay where they are. */
  held: number;
  isOver: boolean;
}

export interface Steps {
  /** Ends the work after the step that is under way. */
  signal?: AbortSignal | undefined;
  onStep?: ((sofar: Moved) => void) | undefined;
}

interface Step {
  looked: number;
  moved: number;
  next: string | null;
  lacking: Date[];
}

/** Moves all tasks whose time has come into the archive, in steps: whoever ends it between two has lost and doubled nothing. */
export async function archiveTasks(executor: Executor, { signal, onStep }: Steps = {}): Promise<Moved> {
  const sofar: Moved = { moved: 0, looked: 0, held: 0, isOver: false };
  let place = START;
  let lookAt = LOOK_AT;
  let isAgain = false;
  const isStopped = () => signal?.aborted === true;
  while (!isStopped()) {
    const { looked, moved, next, lacking } = await step(executor, place, lookAt);
    sofar.looked += looked;
    sofar.moved += moved;
    onStep?.(sofar);
    // Once more from here, with the partitions that it lacked.
    const isMade = lacking.length > 0 && (await makePartitionsFor(executor, lacking)) === 0;
    isAgain = isMade && !isAgain;
    if (isAgain) continue;
    if (lacking.length > 0) sofar.held += 1;
    if (next === null) return { ...sofar, isOver: true };
    place = next;
    // Where all that is read can be moved, no more is read than that.
    lookAt = moved >= MOVE_AT_MOST ? MOVE_AT_MOST : LOOK_AT;
  }
  return sofar;
}

async function step(executor: Executor, place: string, lookAt: number): Promise<Step> {
  const { rows } = await retryConflicts(() =>
    executor.query<Step>({
      name: 'lovage_archive_step',
      text: 'SELECT looked, moved, next, lacking FROM lovage.archive_step($1, $2, $3)',
      values: [place, lookAt, MOVE_AT_MOST],
    }),
  );
  return rows[0] ?? { looked: 0, moved: 0, next: null, lacking: [] };
}

/** Removes results past their time to live, in the same way. */
export async function sweepResults(executor: Executor, { signal }: Steps = {}): Promise<number> {
  let swept = 0;
  const isStopped = () => signal?.aborted === true;
  for (let place: string | null = START; place !== null && !isStopped();) {
    const { rows }: { rows: { swept: number; next: string | null }[] } = await executor.query({
      name: 'lovage_sweep_results',
      text: 'SELECT swept, next FROM lovage.sweep_results($1)',
      values: [place],
    });
    swept += rows[0]?.swept ?? 0;
    place = rows[0]?.next ?? null;
  }
  return swept;
}
