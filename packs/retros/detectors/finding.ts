import type { Experiment, Hypothesis } from '../report/schema.ts';
import type { MetricName } from '../sprints/metrics.ts';
import type { Sprint } from '../sprints/sprint.ts';
import type { Link } from '../statistics/links.ts';
import type { Movement } from '../statistics/movement.ts';

/** Sprints as detectors look at them, oldest first. */
export interface SprintWindow {
  sprints: readonly Sprint[];
  last: Sprint;
  move: (metric: MetricName) => Movement | null;
  /** A strong correlation of the two, if there is one. */
  link: (first: MetricName, second: MetricName) => Link | null;
}

/** What may lie behind the numbers, with what could be done about it. */
export interface Finding {
  /** Measured facts in few words, for the headline. */
  claim: string;
  hypothesis: Omit<Hypothesis, 'confidence' | 'affected_metrics'> & { affected_metrics: MetricName[] };
  experiment: Experiment;
  question: string;
  focusArea: string;
}

/** null where the numbers do not bear it out. */
export type Detect = (window: SprintWindow) => Finding | null;
