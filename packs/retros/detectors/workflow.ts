import { count, formatNumber, formatValue, percentOf } from '../sprints/format.ts';
import type { Experiment } from '../report/schema.ts';
import type { Movement } from '../statistics/movement.ts';
import type { Detect, SprintWindow } from './finding.ts';
import { claimMovement, riseOf, tellLinks, tellMovement, tellWorse } from './tell.ts';
import { weigh } from './weigh.ts';

const RISE_PERCENT = 20;
const MUCH_UNPLANNED = 20;
const SOME_UNPLANNED = 10;
const MUCH_CARRIED = 0.2;

/** Work flows past the plan: much comes in beside it, or much is carried over. */
export const detectWorkflow: Detect = (window) => {
  const unplanned = readUnplanned(window);
  const carried = readCarried(window);
  const main = unplanned ?? carried;
  if (main === null) return null;

  const besides = [
    ...(unplanned && carried ? [carried.told] : []),
    ...tellWorse(window, ['story_points_completed']),
    ...tellLinks(window, unplanned ? 'items_out_of_sprint_percent' : 'items_carried_over', [
      ['story_points_completed', -1],
      ['team_happiness', -1],
    ]),
  ];
  return {
    claim: main.claim,
    hypothesis: {
      title: unplanned ? 'Unplanned work pushes planned work out' : 'More is begun than can be finished',
      description: unplanned
        ? 'A good part of the work was not in the plan. What comes in during the sprint displaces what was promised, and interrupts whoever takes it.'
        : 'A good part of the work is carried over. Perhaps more is in progress at a time than the team can finish.',
      confidence_score: weigh({
        effect: main.effect,
        support: besides.length,
        sprints: main.move.earlier + 1,
      }),
      evidence: [main.told, ...besides],
      potential_impact:
        'A plan that holds makes what the team promises worth something to those who wait for it.',
      affected_metrics: [main.move.metric, 'story_points_completed'],
    },
    experiment: unplanned
      ? keepRoom(window, unplanned.move)
      : limitWork(window, formatValue('items_carried_over', main.move.last)),
    question: unplanned
      ? `What came into ${window.last.name} from outside, and which of it could have waited for the next sprint?`
      : `What did we begin in ${window.last.name} although other work was not finished, and why?`,
    focusArea: unplanned ? 'Unplanned work' : 'Work in progress',
  };
};

interface Reading {
  move: Movement;
  claim: string;
  told: string;
  effect: number;
}

function readUnplanned(window: SprintWindow): Reading | null {
  const move = window.move('items_out_of_sprint_percent');
  if (move === null || move.last < SOME_UNPLANNED) return null;
  const rise = riseOf(move);
  if (move.last < MUCH_UNPLANNED && rise < RISE_PERCENT) return null;
  return {
    move,
    claim: claimMovement(move),
    told: tellMovement(window, move),
    effect: Math.max((move.last - SOME_UNPLANNED) / 30, rise / 150),
  };
}

function readCarried(window: SprintWindow): Reading | null {
  const move = window.move('items_carried_over');
  const completed = window.last.data.items_completed;
  if (move === null || completed === undefined || move.last === 0) return null;
  const share = move.last / (move.last + completed);
  if (share < MUCH_CARRIED) return null;
  return {
    move,
    claim: `${percentOf(share)} of the items carried over`,
    told: `${formatNumber(move.last)} of ${count(move.last + completed, 'item')} in ${window.last.name} were carried over`,
    effect: share,
  };
}

const keepRoom = ({ last }: SprintWindow, { last: percent }: Movement): Experiment => ({
  title: 'Keep room for what cannot be planned',
  description: `For two sprints the team leaves about ${Math.round(percent)} % of its time unplanned, and one person a day takes what comes in.`,
  rationale: `${Math.round(percent)} % of the items in ${last.name} came from outside the plan.`,
  duration_sprints: 2,
  success_metrics: [
    'At least 85 % of the planned points finished',
    'One person a day is interrupted, not all',
  ],
  implementation_steps: [
    'Plan less by the share that came in unplanned',
    'Agree on who takes what comes in on which day',
    'Write down where each unplanned item came from',
    'Talk with the largest of these sources at the end',
  ],
  expected_outcome: 'What is planned is finished although unplanned work still comes.',
});

const limitWork = ({ last }: SprintWindow, carried: string): Experiment => ({
  title: 'Finish before beginning',
  description:
    'For two sprints the team has at most as many items in progress as it has people, and helps to finish before it begins.',
  rationale: `${carried} were carried over from ${last.name}.`,
  duration_sprints: 2,
  success_metrics: [`Fewer than ${carried} carried over`, 'Never more items in progress than people'],
  implementation_steps: [
    'Show on the board how many items may be in progress',
    'Ask each morning what is closest to done, and who can help',
    'Begin something new only below the limit',
    'Count what is carried over at the end',
  ],
  expected_outcome: 'Less is carried over at the same or a better velocity.',
});
