import type { Child } from './child.ts';

/** When a child is replaced by a new one, between attempts. Default: never. */
export interface ChildLimits {
  maxTasks?: number | undefined;
  maxMemoryMb?: number | undefined;
  maxAgeMs?: number | undefined;
}

const MIB = 1024 * 1024;

export function isWorn(
  { attempts, rssBytes, isOld }: Pick<Child, 'attempts' | 'rssBytes' | 'isOld'>,
  { maxTasks = Infinity, maxMemoryMb = Infinity }: ChildLimits,
): boolean {
  // A new one would not be smaller than one that has done nothing yet.
  const isLarge = attempts > 0 && rssBytes > maxMemoryMb * MIB;
  return isOld || isLarge || attempts >= maxTasks;
}
