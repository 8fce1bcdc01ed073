import type { Progress } from '../../task.ts';

/** Whole numbers that Postgres can keep. @throws TypeError to the handler that reported anything else. */
export function roundProgress({ current, total, message }: Progress): Required<Progress> {
  return {
    current: whole(current, 'current'),
    total: total == null ? null : whole(total, 'total'),
    message: message ?? null,
  };
}

function whole(value: number, name: string): number {
  const rounded = Math.round(value);
  if (Number.isSafeInteger(rounded)) return rounded;
  throw new TypeError(`progress.${name} must be a number up to 2^53, got ${String(value)}`);
}
