import { metricNames, type MetricName } from '../sprints/metrics.ts';
import { byTime } from '../sprints/order.ts';
import type { Sprint } from '../sprints/sprint.ts';
import { findCorrelations } from '../statistics/correlations.ts';
import { findOutliers } from '../statistics/outliers.ts';
import { findTrends } from '../statistics/trends.ts';
import type { Correlation, Outlier, Trend } from './schema.ts';

export interface ReportRequest {
  sprints: readonly Sprint[];
  focus: readonly MetricName[];
  customContext: string | null;
}

/** What the numbers say, oldest sprint first. */
export interface Statistics extends ReportRequest {
  trends: Trend[];
  outliers: Outlier[];
  correlations: Correlation[];
}

const MOST_CORRELATIONS = 10;

export function readStatistics(request: ReportRequest): Statistics {
  const sprints = request.sprints.toSorted(byTime);
  const names = request.focus.length > 0 ? request.focus : metricNames;
  return {
    ...request,
    sprints,
    trends: findTrends(sprints, names),
    outliers: findOutliers(sprints, names),
    correlations: findCorrelations(sprints, names, metricNames).slice(0, MOST_CORRELATIONS),
  };
}
