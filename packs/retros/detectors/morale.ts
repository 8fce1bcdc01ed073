import { formatValue } from '../sprints/format.ts';
import type { Detect, SprintWindow } from './finding.ts';
import { claimMovement, riseOf, tellLinks, tellMovement, tellWorse } from './tell.ts';
import type { Experiment } from '../report/schema.ts';
import { weigh } from './weigh.ts';

const FALL_PERCENT = 10;
const LOW = 6;

/** The team is less happy than it was, or simply not happy. */
export const detectMorale: Detect = (window) => {
  const happiness = window.move('team_happiness');
  if (happiness === null) return null;
  const fall = -riseOf(happiness);
  if (fall < FALL_PERCENT && happiness.last >= LOW) return null;

  const besides = [
    ...tellWorse(window, ['items_out_of_sprint_percent', 'items_carried_over']),
    ...tellLinks(window, 'team_happiness', [
      ['items_out_of_sprint_percent', -1],
      ['items_carried_over', -1],
      ['review_time', -1],
    ]),
  ];
  const isFall = fall >= FALL_PERCENT;
  const now = formatValue('team_happiness', happiness.last);
  const target = formatValue('team_happiness', isFall ? happiness.before : LOW);
  return {
    claim: isFall ? claimMovement(happiness) : `team happiness at ${now}`,
    hypothesis: {
      title: isFall ? 'The way of working wears the team down' : 'The team is not happy with how it works',
      description: isFall
        ? besides.length > 0
          ? 'Team happiness fell. What else became worse in the same sprints is where to ask first.'
          : 'Team happiness fell, and the other numbers do not show why: only the team can tell.'
        : 'Team happiness is low without having fallen much: whatever weighs on the team has been there for a while.',
      confidence_score: weigh({
        effect: Math.max(fall / 30, (LOW - happiness.last) / 4),
        support: besides.length,
        sprints: happiness.earlier + 1,
      }),
      evidence: [tellMovement(window, happiness), ...besides],
      potential_impact:
        'A team that is well keeps its pace and its people, and says earlier what goes wrong.',
      affected_metrics: ['team_happiness'],
    },
    experiment: suggest(window, now, target),
    question: `What cost you most energy in ${window.last.name}, and what gave you some?`,
    focusArea: 'Team morale',
  };
};

const suggest = ({ last }: SprintWindow, now: string, target: string): Experiment => ({
  title: 'Take away the one thing that costs most energy',
  description:
    'The team picks the one thing in its working day that costs most energy, changes it for one sprint, and asks itself each week how that goes.',
  rationale: `Team happiness stood at ${now} in ${last.name}; the team knows best why.`,
  duration_sprints: 1,
  success_metrics: [
    `Team happiness at ${target} or more`,
    'Half of the team or more names the change as a help',
  ],
  implementation_steps: [
    'Everybody writes down what costs energy, unseen by the others',
    'Group the notes and choose one by votes',
    'Agree on one change and on who looks after it',
    'Ask for a number from 1 to 10 each week',
  ],
  expected_outcome: `Team happiness at ${target} or more after the sprint, or the knowledge that the cause is another.`,
});
