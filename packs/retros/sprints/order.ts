import type { Sprint } from './sprint.ts';

/** Oldest first, as every statistic here expects; the id decides where dates do not. */
export const byTime = (a: Sprint, b: Sprint): number =>
  compare(a.endDate, b.endDate) || compare(a.startDate, b.startDate) || compare(a.id, b.id);

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
