import type { Finding } from '../detectors/finding.ts';
import { claimMovement } from '../detectors/tell.ts';
import { confidenceOf } from '../detectors/weigh.ts';
import type { MetricName } from '../sprints/metrics.ts';
import { findMovement } from '../statistics/movement.ts';
import type { Statistics } from './read-statistics.ts';
import { tellingTrends, tellStillness, tellTrend } from './key-trends.ts';

const CLAIMS = 2;
const WORTH_TELLING_PERCENT = 5;

/**
 * How the metrics asked for moved, and the surest findings as measured; where none is sure enough, what moved most against the
 * sprint before; else that nothing did.
 */
export function writeHeadline(statistics: Statistics, findings: readonly Finding[]): string {
  const { sprints, trends } = statistics;
  const isDemo = sprints.some(({ data }) => data.source === 'demo');
  const last = `${isDemo ? 'Demo data: ' : ''}${sprints.at(-1)?.name ?? ''}`;

  const isSure = ({ hypothesis }: Finding) => confidenceOf(hypothesis.confidence_score) !== 'Low';
  const sure = findings.filter(isSure);
  const told = new Set(sure.slice(0, 1).flatMap(({ hypothesis }) => hypothesis.affected_metrics[0] ?? []));
  const claims = [...claimFocus(statistics, told), ...sure.map(({ claim }) => claim)].slice(0, CLAIMS);
  const before = sprints.length > 2 ? 'the sprints before' : 'the sprint before';
  if (claims.length > 0) return `${last} against ${before}: ${claims.join(', ')}`;

  if (trends.length === 0) return `${last}: too little was measured in the last two sprints to compare them`;
  const moved = tellingTrends(trends).slice(0, CLAIMS).map(tellTrend);
  return `${last} against the sprint before: ${moved.length > 0 ? moved.join(', ') : tellStillness(trends, statistics.focus)}`;
}

function claimFocus({ sprints, focus }: Statistics, told: ReadonlySet<MetricName>): string[] {
  return focus
    .filter((name) => !told.has(name))
    .flatMap((name) => findMovement(sprints, name) ?? [])
    .filter(({ percent }) => percent === null || Math.abs(percent) >= WORTH_TELLING_PERCENT)
    .slice(0, 1)
    .map(claimMovement);
}
