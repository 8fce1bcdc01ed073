const UNITS_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `30m`, `2h`, `7d`; undefined for anything else. */
export function readDuration(text: string): number | undefined {
  const [, count = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit];
  return unitMs === undefined ? undefined : Number(count) * unitMs;
}

const STEPS: readonly [unit: string, ms: number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

/** `2 h`, `45 s`, `300 ms`: for people, in the largest unit of which there are two, or one. */
export function span(ms: number): string {
  const [unit, size] = STEPS.find(([, size]) => ms >= size * 2) ?? (ms >= 1_000 ? ['s', 1_000] : ['ms', 1]);
  return `${Math.round(ms / size)} ${unit}`;
}

/** `3 min ago`, `in 2 h`. */
export function relative(iso: string | null, now: number = Date.now()): string {
  if (iso === null) return '-';
  const ms = now - Date.parse(iso);
  if (Math.abs(ms) < 1_000) return 'now';
  return ms > 0 ? `${span(ms)} ago` : `in ${span(-ms)}`;
}

/** A time with how far away it is; null for none. */
export const timeOf = (iso: string | null): string | null =>
  iso === null ? null : `${iso} (${relative(iso)})`;
