import { formatChange, formatValue } from '../sprints/format.ts';
import { metrics, type MetricName } from '../sprints/metrics.ts';
import type { Trend } from './schema.ts';

const KEY: readonly string[] = [
  'story_points_completed',
  'team_happiness',
  'review_time',
  'defect_rate_production',
  'defect_rate_all',
  'items_carried_over',
  'items_out_of_sprint_percent',
  'open_bugs_count',
  'testing_time',
  'coding_time',
];

export const isKeyMetric = (name: string): boolean => KEY.includes(name);

const SMALL_COUNT = 2;

/** Significant trends that are worth a sentence, those that a team looks at first before the rest. */
export const tellingTrends = (trends: readonly Trend[]): Trend[] =>
  trends
    .filter((trend) => trend.is_significant && !isSmallCount(trend))
    .sort((a, b) => rank(a) - rank(b) || Math.abs(b.change_percent) - Math.abs(a.change_percent));

const rank = ({ metric_name }: Trend): number => {
  const at = KEY.indexOf(metric_name);
  return at === -1 ? KEY.length : at;
};

/** One bug more or less is a large share of few. */
function isSmallCount({ metric_name, current_value, previous_value }: Trend): boolean {
  const { unit } = metrics[metric_name as MetricName];
  return ['items', 'bugs'].includes(unit) && Math.abs(current_value - previous_value) < SMALL_COUNT;
}

/** Such as `velocity down 12 % to 33 points`. */
export function tellTrend({ metric_name, current_value, previous_value, change_percent }: Trend): string {
  const name = metric_name as MetricName;
  const change = formatChange(previous_value === 0 && current_value > 0 ? null : change_percent);
  return `${metrics[name].label.toLowerCase()} ${change} to ${formatValue(name, current_value)}`;
}

export function isImprovement({ metric_name, trend_direction }: Trend): boolean {
  const { better } = metrics[metric_name as MetricName];
  return trend_direction === (better === 'higher' ? 'increasing' : 'decreasing') && better !== 'neither';
}

/** For where no trend is worth a sentence. */
export function tellStillness(trends: readonly Trend[], focus: readonly string[]): string {
  if (trends.some((trend) => trend.is_significant)) return 'nothing but small counts moved by 20 % or more';
  return `${focus.length > 0 ? 'none of the metrics asked for' : 'no metric'} moved by 20 % or more`;
}
