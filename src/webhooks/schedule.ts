const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MAX_WAIT_MS = 24 * HOUR_MS;
const JITTER = 0.1;

/** Waits after a try that failed, as Standard Webhooks has them: ten tries over some three days. */
export const WAITS_MS: readonly number[] = [
  5_000,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
];
/** `lovage.add_delivery_tasks()` says so too. */
export const MAX_TRIES = WAITS_MS.length + 1;

/** How long to wait after so many failures; longer where the receiver asks for it, up to a day. */
export function waitMs(
  failures: number,
  retryAfter: string | undefined,
  random: () => number = Math.random,
): number {
  const exact = WAITS_MS[Math.min(failures, WAITS_MS.length) - 1] ?? 0;
  const jittered = exact * (1 - JITTER + 2 * JITTER * random());
  return Math.round(Math.max(jittered, readRetryAfter(retryAfter)));
}

/** Seconds, or a date. */
function readRetryAfter(text: string | undefined): number {
  if (text === undefined) return 0;
  const ms = /^\d{1,9}$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), MAX_WAIT_MS);
}
