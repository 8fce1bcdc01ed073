import { mean } from 'simple-statistics';
import type { MetricName } from '../sprints/metrics.ts';
import type { Sprint } from '../sprints/sprint.ts';

/** How the last sprint stands beside those before it. */
export interface Movement {
  metric: MetricName;
  last: number;
  /** Mean of the earlier sprints for which it was measured. */
  before: number;
  /** How many these are: at least one. */
  earlier: number;
  /** null where it rose from nothing. */
  percent: number | null;
}

/** null where it was not measured in the last sprint, or in no other. */
export function findMovement(sprints: readonly Sprint[], metric: MetricName): Movement | null {
  const last = sprints.at(-1)?.data[metric];
  const earlier = sprints
    .slice(0, -1)
    .map(({ data }) => data[metric])
    .filter((value) => value !== undefined);
  if (last === undefined || earlier.length === 0) return null;
  const before = mean(earlier);
  return { metric, last, before, earlier: earlier.length, percent: changePercent(before, last) };
}

/** null for a rise from nothing, which is no share of anything. */
export function changePercent(from: number, to: number): number | null {
  if (from === to) return 0;
  const percent = ((to - from) / from) * 100;
  return Number.isFinite(percent) ? percent : null;
}
