/** The value below which that share of the values lies; the middle of the two in an even median. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('there are no values');
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? NaN;
  const high = sorted[Math.ceil(at)] ?? NaN;
  return low + (high - low) * (at - Math.floor(at));
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** Median, smallest and largest: what a claim shows of its rounds. */
export const summarize = (values: readonly number[]) => ({
  value: median(values),
  min: Math.min(...values),
  max: Math.max(...values),
});

/** Three figures are all that these measurements bear. */
export function figure(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** "1,234 (1,100 – 1,300)" */
export function spread(values: readonly number[]): string {
  const { value, min, max } = summarize(values);
  return values.length === 1 ? figure(value) : `${figure(value)} (${figure(min)} – ${figure(max)})`;
}
