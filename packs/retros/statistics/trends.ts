import { round } from '../sprints/format.ts';
import type { MetricName } from '../sprints/metrics.ts';
import type { Sprint } from '../sprints/sprint.ts';
import type { Trend } from '../report/schema.ts';
import { changePercent } from './movement.ts';

const SIGNIFICANT_PERCENT = 20;
const STRONG_PERCENT = 50;
const STABLE_PERCENT = 1;

/** How the last sprint differs from the one before it, metric by metric; those not measured in both are left out. */
export function findTrends(sprints: readonly Sprint[], names: readonly MetricName[]): Trend[] {
  return names.flatMap((name) => {
    const current = sprints.at(-1)?.data[name];
    const previous = sprints.at(-2)?.data[name];
    return current === undefined || previous === undefined ? [] : [describeTrend(name, current, previous)];
  });
}

function describeTrend(name: MetricName, current: number, previous: number): Trend {
  // Clients of old expect a number here: a rise from nothing counts as 100 %.
  const percent = changePercent(previous, current) ?? 100;
  const size = Math.abs(percent);
  const direction = size < STABLE_PERCENT ? 'stable' : percent > 0 ? 'increasing' : 'decreasing';
  return {
    metric_name: name,
    current_value: current,
    previous_value: previous,
    change_percent: round(percent),
    trend_direction: direction,
    is_significant: size >= SIGNIFICANT_PERCENT,
    significance_level: size >= STRONG_PERCENT ? 'High' : size >= SIGNIFICANT_PERCENT ? 'Medium' : 'Low',
  };
}
