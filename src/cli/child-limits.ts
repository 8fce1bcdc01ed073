import type { ChildLimits } from '../worker/runners/pool/wear.ts';
import { wholeNumber } from './arguments.ts';

/** The flags by which child processes are replaced. */
export const CHILD_FLAGS = {
  'max-tasks-per-child': { type: 'string' },
  'max-memory-per-child': { type: 'string' },
  'max-child-age': { type: 'string' },
} as const;

export const CHILD_HELP: readonly [flag: string, meaning: string][] = [
  ['--max-tasks-per-child N', 'replace a child process after so many attempts (default: never)'],
  ['--max-memory-per-child MB', 'replace it between attempts once it holds more (default: never)'],
  ['--max-child-age SECONDS', 'replace it between attempts once it is older (default: never)'],
];

/** Timers run no longer than 24 days. */
const MAX_AGE_S = 2_000_000;

export function readChildLimits(values: { [Flag in keyof typeof CHILD_FLAGS]?: string }): ChildLimits {
  const read = (flag: keyof typeof CHILD_FLAGS, max: number): number | undefined => {
    const text = values[flag];
    return text === undefined ? undefined : wholeNumber(text, `--${flag}`, 1, max);
  };
  const maxAgeS = read('max-child-age', MAX_AGE_S);
  return {
    maxTasks: read('max-tasks-per-child', 1_000_000_000),
    maxMemoryMb: read('max-memory-per-child', 1_000_000),
    maxAgeMs: maxAgeS === undefined ? undefined : maxAgeS * 1_000,
  };
}
