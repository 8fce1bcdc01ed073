import { formatValue } from '../sprints/format.ts';
import { metrics } from '../sprints/metrics.ts';
import type { Movement } from '../statistics/movement.ts';
import type { Detect, SprintWindow } from './finding.ts';
import { claimMovement, riseOf, tellLinks, tellMovement, tellWorse } from './tell.ts';
import type { Experiment } from '../report/schema.ts';
import { weigh } from './weigh.ts';

const RISE_PERCENT = 20;
const LESS_TESTING_PERCENT = -10;

/** More defects for the work that is done than before. */
export const detectQuality: Detect = (window) => {
  const rate = (['defect_rate_production', 'defect_rate_all'] as const)
    .map((name) => window.move(name))
    .find((move) => move !== null && riseOf(move) >= RISE_PERCENT);
  if (!rate) return null;

  const testing = tellLessTesting(window);
  const besides = [
    ...testing,
    ...tellWorse(window, ['bugs_missed_testing', 'bugs_prod']),
    ...tellLinks(window, 'testing_time', [[rate.metric, -1]]),
  ];
  const target = formatValue(rate.metric, rate.before);
  const isProduction = rate.metric === 'defect_rate_production';
  return {
    claim: claimMovement(rate),
    hypothesis: {
      title: isProduction ? 'More defects reach production' : 'More defects come with the work',
      description:
        testing.length > 0
          ? 'The defect rate rose while less time went into testing. What was tested less may be what breaks.'
          : 'The defect rate rose. Checks that used to catch defects may be missing for the kind of work that is done now.',
      confidence_score: weigh({
        effect: riseOf(rate) / 80,
        support: besides.length,
        sprints: rate.earlier + 1,
      }),
      evidence: [tellMovement(window, rate), ...besides],
      potential_impact: 'Fewer defects mean less unplanned repair and more time for what was planned.',
      affected_metrics: [rate.metric, ...(testing.length > 0 ? (['testing_time'] as const) : [])],
    },
    experiment: suggest(window, rate, target),
    question: `Which defect of ${window.last.name} could we have seen earliest, and what would have shown it?`,
    focusArea: 'Quality',
  };
};

function tellLessTesting(window: SprintWindow): string[] {
  const testing = window.move('testing_time');
  return testing && riseOf(testing) <= LESS_TESTING_PERCENT ? [tellMovement(window, testing)] : [];
}

const suggest = ({ last }: SprintWindow, { metric, last: rate }: Movement, target: string): Experiment => ({
  title: 'Every defect gets the test that would have caught it',
  description:
    'For two sprints no defect is closed without an automated test that fails without its repair, and each story names how it will be tested before it is begun.',
  rationale: `The rate stood at ${formatValue(metric, rate)} in ${last.name}, against ${target} before.`,
  duration_sprints: 2,
  success_metrics: [`${metrics[metric].label} at ${target} or less`, 'Every closed defect has its test'],
  implementation_steps: [
    'Add the test to what "done" means for a defect',
    'Write down in refinement how each story is tested',
    'Sort the defects of the last sprint by where they were first visible',
    'Look at the rate after each sprint',
  ],
  expected_outcome: `The defect rate is back at ${target} or below after two sprints.`,
});
