const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7/i;

/** When a task was asked for, by its id (a UUID v7): the same in every attempt, so that each of them makes the same file. */
export function askedAt(taskId: string): Date {
  const [, high, low] = UUID_V7.exec(taskId) ?? [];
  return high && low ? new Date(Number.parseInt(high + low, 16)) : new Date();
}
