import { mean, standardDeviation, zScore } from 'simple-statistics';
import { round } from '../sprints/format.ts';
import type { MetricName } from '../sprints/metrics.ts';
import type { Sprint } from '../sprints/sprint.ts';
import type { Outlier } from '../report/schema.ts';

const FAR_OUT = 2;
/** One value apart from four equal ones is exactly 2 away, but for rounding. */
const ROUNDING = 1e-9;

/** Sprints in which a metric lay two standard deviations or more from its mean; the farthest first. */
export function findOutliers(sprints: readonly Sprint[], names: readonly MetricName[]): Outlier[] {
  return names
    .flatMap((name) => outliersOf(sprints, name))
    .sort((a, b) => Math.abs(b.z_score) - Math.abs(a.z_score));
}

function outliersOf(sprints: readonly Sprint[], name: MetricName): Outlier[] {
  const measured = sprints.filter(({ data }) => data[name] !== undefined);
  const values = measured.map(({ data }) => data[name] ?? 0);
  if (values.length < 3) return [];
  const center = mean(values);
  const spread = standardDeviation(values);
  return measured.flatMap((sprint, at) => {
    const value = values[at] ?? 0;
    const z = zScore(value, center, spread);
    if (!Number.isFinite(z) || Math.abs(z) < FAR_OUT - ROUNDING) return [];
    return [{ metric_name: name, sprint_id: sprint.id, sprint_name: sprint.name, value, z_score: round(z) }];
  });
}
