import { formatValue } from '../sprints/format.ts';
import type { Detect, SprintWindow } from './finding.ts';
import { claimMovement, riseOf, tellLinks, tellMovement, tellWorse } from './tell.ts';
import type { Experiment } from '../report/schema.ts';
import { weigh } from './weigh.ts';

const RISE_PERCENT = 20;
/** Of the time for coding: a review of half of that holds work up. */
const MUCH_BESIDE_CODING = 0.5;

/** Work waits for reviews: they take longer than before, or long beside the coding itself. */
export const detectReviewBottleneck: Detect = (window) => {
  const review = window.move('review_time');
  if (review === null) return null;
  const rise = riseOf(review);
  const ratio = besideCoding(window);
  if (rise < RISE_PERCENT && ratio < MUCH_BESIDE_CODING) return null;

  const besides = [
    ...tellWorse(window, ['story_points_completed', 'items_carried_over']),
    ...tellLinks(window, 'review_time', [
      ['story_points_completed', -1],
      ['items_carried_over', 1],
    ]),
  ];
  const long =
    ratio >= MUCH_BESIDE_CODING
      ? [
          `${window.last.name} had ${hours(window, 'review_time')} of review to ${hours(window, 'coding_time')} of coding`,
        ]
      : [];
  const isRise = rise >= RISE_PERCENT;
  const target = formatValue('review_time', isRise ? review.before : review.last * 0.75);
  return {
    claim: isRise
      ? claimMovement(review)
      : `${hours(window, 'review_time')} of review to ${hours(window, 'coding_time')} of coding`,
    hypothesis: {
      title: 'Reviews hold up finished work',
      description: isRise
        ? 'Reviews take longer than they did. Work that is coded may be waiting for a reviewer, so that less of it is finished within the sprint.'
        : 'Reviews take long beside the coding itself. Changes may be too large to review quickly, or too few people may review them.',
      confidence_score: weigh({
        effect: Math.max(rise / 60, ratio),
        support: besides.length,
        sprints: review.earlier + 1,
      }),
      evidence: [tellMovement(window, review), ...long, ...besides],
      potential_impact:
        'Shorter reviews would let coded work be finished, tested and released earlier in the sprint.',
      affected_metrics: ['review_time', 'story_points_completed'],
    },
    experiment: suggest(window, formatValue('review_time', review.last), target),
    question: `Where did finished work wait for a review in ${window.last.name}, and what would have made that wait shorter?`,
    focusArea: 'Code review',
  };
};

const hours = ({ last }: SprintWindow, name: 'review_time' | 'coding_time') =>
  formatValue(name, last.data[name] ?? 0);

function besideCoding({ last }: SprintWindow): number {
  const { review_time: review = 0, coding_time: coding = 0 } = last.data;
  const ratio = review / coding;
  return Number.isFinite(ratio) ? ratio : 0;
}

const suggest = ({ last }: SprintWindow, now: string, target: string): Experiment => ({
  title: 'Two review hours a day, and small changes',
  description:
    'For two sprints the whole team reviews at two fixed times a day, before new work is begun, and splits changes that take more than half an hour to read.',
  rationale: `Review time was ${now} in ${last.name}; fixed times cut the waiting, small changes the reading.`,
  duration_sprints: 2,
  success_metrics: [`Review time at ${target} or less`, 'No change waits for its first review over night'],
  implementation_steps: [
    'Agree on the two times, and on who stands in for whom',
    'Agree on a size above which a change is split',
    'Note for each change when it was ready and when its review began',
    'Look at the notes in the next retrospective',
  ],
  expected_outcome: `Review time falls to ${target} without more defects getting through.`,
});
