import type { Finding } from '../detectors/finding.ts';
import { confidenceOf } from '../detectors/weigh.ts';
import { count, formatNumber } from '../sprints/format.ts';
import { metrics, type MetricName } from '../sprints/metrics.ts';
import type { Sprint } from '../sprints/sprint.ts';
import type { Statistics } from './read-statistics.ts';
import { isKeyMetric, tellingTrends, tellStillness, tellTrend } from './key-trends.ts';
import type { Correlation } from './schema.ts';

const MOST_TRENDS = 4;

/** A few paragraphs for whoever leads the retrospective; each sentence is a number or says what it is. */
export function writeSummary(statistics: Statistics, findings: readonly Finding[]): string {
  return [
    tellScope(statistics),
    tellChanges(statistics),
    tellFindings(findings),
    tellStrongest(statistics),
    tellFocus(statistics),
    statistics.customContext === null ? '' : `Context given by the team: ${statistics.customContext}`,
  ]
    .filter((paragraph) => paragraph !== '')
    .join('\n\n');
}

/** Such as `Sprint 21 to Sprint 25 (2026-01-05 to 2026-03-15)`. */
export function tellPeriod(sprints: readonly Sprint[]): string {
  const [first, last] = [sprints[0], sprints.at(-1)];
  return first && last ? `${first.name} to ${last.name} (${first.startDate} to ${last.endDate})` : '';
}

function tellScope({ sprints }: Statistics): string {
  const isDemo = sprints.some(({ data }) => data.source === 'demo');
  const { story_points_completed: done, story_points_planned: planned } = sprints.at(-1)?.data ?? {};
  const delivery =
    done !== undefined && planned !== undefined && planned > 0
      ? ` In the last of them ${formatNumber(done)} of ${formatNumber(planned)} planned points were finished.`
      : '';
  const demo = isDemo ? 'These are invented demo numbers, not those of a team. ' : '';
  return `${demo}${count(sprints.length, 'sprint')} were read: ${tellPeriod(sprints)}.${delivery}`;
}

function tellChanges({ trends, focus }: Statistics): string {
  if (trends.length === 0) return 'No metric was measured in both of the last two sprints.';
  const moved = tellingTrends(trends);
  if (moved.length === 0) return `Against the sprint before, ${tellStillness(trends, focus)}.`;
  const told = moved.slice(0, MOST_TRENDS).map(tellTrend).join('; ');
  const rest = moved.length - MOST_TRENDS;
  return `Against the sprint before: ${told}${rest > 0 ? `; and ${count(rest, 'more metric')} by 20 % or more` : ''}.`;
}

function tellFindings(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'None of the known patterns of trouble shows in these numbers.';
  const told = findings.map(
    ({ hypothesis }) =>
      `${hypothesis.title} (confidence ${confidenceOf(hypothesis.confidence_score).toLowerCase()})`,
  );
  return `What may lie behind it, to be asked in the retrospective: ${told.join('; ')}.`;
}

/** What a team looks at first; the rest is in the list. */
function tellStrongest({ correlations }: Statistics): string {
  const isKey = ({ metric_1, metric_2 }: Correlation) => isKeyMetric(metric_1) && isKeyMetric(metric_2);
  return correlations.find(isKey)?.interpretation ?? '';
}

function tellFocus({ focus, trends }: Statistics): string {
  if (focus.length === 0) return '';
  const told = new Set(trends.map(({ metric_name }) => metric_name));
  const missing = focus.filter((name) => !told.has(name));
  const labels = (names: readonly MetricName[]) =>
    names.map((name) => metrics[name].label.toLowerCase()).join(', ');
  return `Looked at in particular: ${labels(focus)}.${missing.length > 0 ? ` Not measured in both of the last two sprints: ${labels(missing)}.` : ''}`;
}
