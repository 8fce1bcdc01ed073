import type { ChildLimits } from '../worker/runners/pool/wear.ts';
import type { ValuesOf } from './command.ts';
import { whole } from './options.ts';

/** Timers run no longer than 24 days. */
const MAX_AGE_S = 2_000_000;

/** By what child processes are replaced. */
export const CHILD_OPTIONS = {
  'max-tasks-per-child': whole(
    'N',
    'replace a child process after so many attempts (default: never)',
    [1, 1_000_000_000],
  ),
  'max-memory-per-child': whole(
    'MB',
    'replace it between attempts once it holds more (default: never)',
    [1, 1_000_000],
  ),
  'max-child-age': whole('SECONDS', 'replace it between attempts once it is older (default: never)', [
    1,
    MAX_AGE_S,
  ]),
} as const;

export function readChildLimits(values: ValuesOf<typeof CHILD_OPTIONS>): ChildLimits {
  const maxAgeS = values['max-child-age'];
  return {
    maxTasks: values['max-tasks-per-child'],
    maxMemoryMb: values['max-memory-per-child'],
    maxAgeMs: maxAgeS === undefined ? undefined : maxAgeS * 1_000,
  };
}
