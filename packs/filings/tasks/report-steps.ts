import type { RunContext } from 'lovage';

/** Says which of `total` steps begins, and goes no further once the signal is aborted. */
export function reportSteps(
  { signal, progress }: Pick<RunContext<unknown>, 'signal' | 'progress'>,
  total: number,
): (current: number, message: string) => void {
  return (current, message) => {
    signal.throwIfAborted();
    progress({ current, total, message });
  };
}
