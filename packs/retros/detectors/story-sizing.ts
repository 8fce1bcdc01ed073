import { count, formatNumber, percentOf } from '../sprints/format.ts';
import type { Sprint } from '../sprints/sprint.ts';
import type { Detect, SprintWindow } from './finding.ts';
import { tellWorse } from './tell.ts';
import type { Experiment } from '../report/schema.ts';
import { weigh } from './weigh.ts';

const MANY_LARGE = 0.3;
const FEW_FINISHED = 0.85;
const MUCH_CARRIED = 0.15;

/** Stories are too large for a sprint: many are large, and planned work is not finished. */
export const detectStorySizing: Detect = (window) => {
  const large = largeShare(window.last);
  const { unfinished, isUnfinished } = readUnfinished(window);
  if (large === null || large < MANY_LARGE || !isUnfinished) return null;

  const shares = window.sprints.map(largeShare).filter((share) => share !== null);
  const earlier = shares.slice(0, -1);
  const grew = earlier.length > 0 && large - Math.min(...earlier) >= 0.1;
  const besides = tellWorse(window, ['items_carried_over', 'story_points_completed']);
  return {
    claim: `${percentOf(large)} of the stories were large`,
    hypothesis: {
      title: 'Stories are too large for one sprint',
      description:
        'A good part of the stories is large while planned work stays unfinished. Large stories hide work that shows only on the way, and are either finished or not: one that slips takes all its points along.',
      confidence_score: weigh({
        effect: (large - MANY_LARGE) / 0.4 + 0.3,
        support: besides.length + Number(grew),
        sprints: shares.length,
      }),
      evidence: [
        `${percentOf(large)} of the stories in ${window.last.name} were large`,
        ...(grew ? [`In the sprint with the fewest it was ${percentOf(Math.min(...earlier))}`] : []),
        ...unfinished,
        ...besides,
      ],
      potential_impact:
        'Smaller stories finish within the sprint, so that plans hold and less is carried over.',
      affected_metrics: ['story_points_completed', 'items_carried_over'],
    },
    experiment: suggest(window, large),
    question: `Which story in ${window.last.name} turned out larger than we thought, and when could we have known?`,
    focusArea: 'Size of stories',
  };
};

/** null where the sizes were not measured, or there were none. */
function largeShare({ data }: Sprint): number | null {
  const sizes = data.story_point_distribution;
  if (!sizes) return null;
  const share = sizes.large / (sizes.small + sizes.medium + sizes.large);
  return Number.isFinite(share) ? share : null;
}

function readUnfinished({ last }: SprintWindow): { unfinished: string[]; isUnfinished: boolean } {
  const { story_points_completed: done, story_points_planned: planned = 0 } = last.data;
  const { items_carried_over: carried = 0, items_completed: completed = 0 } = last.data;
  const isShort = done !== undefined && planned > 0 && done / planned < FEW_FINISHED;
  const isCarried = carried > 0 && carried / (carried + completed) >= MUCH_CARRIED;
  const unfinished = [
    ...(isShort ? [`${formatNumber(done)} of ${formatNumber(planned)} planned points were finished`] : []),
    ...(isCarried ? [`${count(carried, 'item')} carried over in ${last.name}`] : []),
  ];
  return { unfinished, isUnfinished: isShort || isCarried };
}

const suggest = ({ last }: SprintWindow, large: number): Experiment => ({
  title: 'No large story enters a sprint unsplit',
  description:
    'For two sprints every large story is split in refinement until each part can be shown to a user by itself.',
  rationale: `${percentOf(large)} of the stories in ${last.name} were large, and planned work was left over.`,
  duration_sprints: 2,
  success_metrics: [
    `Large stories below ${percentOf(Math.min(MANY_LARGE, large))} of all`,
    `At least ${percentOf(FEW_FINISHED)} of the planned points finished`,
  ],
  implementation_steps: [
    'Mark the large stories that are next in the backlog',
    'Split each by the steps of a user or by its rules, not by layers of the system',
    'Estimate the parts anew',
    'Compare at the end what was planned with what was finished',
  ],
  expected_outcome: 'More of what is planned is finished, and less is carried over.',
});
