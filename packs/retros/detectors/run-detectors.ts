import { detectDefects } from './defects.ts';
import type { Detect, Finding, SprintWindow } from './finding.ts';
import { detectMorale } from './morale.ts';
import { detectQuality } from './quality.ts';
import { detectReviewBottleneck } from './review-bottleneck.ts';
import { detectStorySizing } from './story-sizing.ts';
import { detectWorkflow } from './workflow.ts';
import type { MetricName } from '../sprints/metrics.ts';
import type { Sprint } from '../sprints/sprint.ts';
import { findLink } from '../statistics/links.ts';
import { findMovement } from '../statistics/movement.ts';

const detectors: readonly Detect[] = [
  detectReviewBottleneck,
  detectStorySizing,
  detectQuality,
  detectMorale,
  detectWorkflow,
  detectDefects,
];

const MOST = 3;

/** At most three findings: those that touch what the caller asked for first, then the surest. */
export function runDetectors(sprints: readonly Sprint[], focus: readonly MetricName[]): Finding[] {
  const last = sprints.at(-1);
  if (last === undefined) return [];
  const window: SprintWindow = {
    sprints,
    last,
    move: (metric) => findMovement(sprints, metric),
    link: (first, second) => findLink(sprints, first, second),
  };
  return detectors
    .flatMap((detect) => detect(window) ?? [])
    .sort(focusFirst(focus))
    .slice(0, MOST);
}

const focusFirst = (focus: readonly MetricName[]) => (a: Finding, b: Finding) =>
  Number(touches(b, focus)) - Number(touches(a, focus)) ||
  b.hypothesis.confidence_score - a.hypothesis.confidence_score;

const touches = ({ hypothesis }: Finding, focus: readonly MetricName[]): boolean =>
  hypothesis.affected_metrics.some((name) => focus.includes(name));
