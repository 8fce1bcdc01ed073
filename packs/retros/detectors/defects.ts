import { formatNumber, formatValue, percentOf } from '../sprints/format.ts';
import type { MetricName } from '../sprints/metrics.ts';
import type { Movement } from '../statistics/movement.ts';
import type { Detect, Finding, SprintWindow } from './finding.ts';
import { claimMovement, riseOf, tellMovement } from './tell.ts';
import type { Experiment } from '../report/schema.ts';
import { weigh } from './weigh.ts';

const CAUSES = {
  bugs_missed_testing: 'missed by testing',
  bugs_missed_impact: 'impact not seen',
  bugs_requirement_gap: 'gaps in requirements',
  bugs_configuration: 'configuration',
  bugs_third_party: 'third parties',
  bugs_database: 'the database',
  bugs_security: 'security',
} satisfies Partial<Record<MetricName, string>>;
type CauseName = keyof typeof CAUSES;
const causeNames = Object.keys(CAUSES) as CauseName[];

const FEWEST_BUGS = 5;
const MOST_OF_ALL = 0.4;
const RISE_PERCENT = 20;

/** Bugs pile up, or most of them have one cause. */
export const detectDefects: Detect = (window) => {
  const cause = findMainCause(window);
  const open = window.move('open_bugs_count');
  const pile = open && open.last >= FEWEST_BUGS && riseOf(open) >= RISE_PERCENT ? open : null;
  if (cause) return describeCause(cause, pile ? [tellMovement(window, pile)] : []);
  if (!pile) return null;
  return {
    claim: claimMovement(pile),
    hypothesis: {
      title: 'Bugs come in faster than they are repaired',
      description:
        'The backlog of open bugs grows: repairs do not keep up, or there is no rule for what is repaired and what is closed.',
      confidence_score: weigh({ effect: riseOf(pile) / 80, support: 0, sprints: pile.earlier + 1 }),
      evidence: [tellMovement(window, pile)],
      potential_impact: 'A short list of open bugs is one that is read: what is grave in it is seen in time.',
      affected_metrics: ['open_bugs_count'],
    },
    experiment: suggestShare(window, pile),
    question: 'Which of the open bugs do we know that we will never repair, and why are they open?',
    focusArea: 'Open bugs',
  };
};

interface Cause {
  name: CauseName;
  bugs: number;
  all: number;
  sprints: number;
}

/** Over all sprints, since single ones have few bugs. */
function findMainCause({ sprints }: SprintWindow): Cause | null {
  const sum = (name: MetricName) => sprints.reduce((total, { data }) => total + (data[name] ?? 0), 0);
  const causes = causeNames.map((name) => ({ name, bugs: sum(name) })).sort((a, b) => b.bugs - a.bugs);
  const all = causes.reduce((total, { bugs }) => total + bugs, 0);
  const [top, next] = causes;
  if (!top || !next || all < FEWEST_BUGS || top.bugs / all < MOST_OF_ALL || top.bugs === next.bugs)
    return null;
  const measured = sprints.filter(({ data }) => causeNames.some((name) => data[name] !== undefined)).length;
  return { ...top, all, sprints: measured };
}

function describeCause(cause: Cause, besides: string[]): Finding {
  const label = CAUSES[cause.name];
  const share = percentOf(cause.bugs / cause.all);
  const told = `${formatNumber(cause.bugs)} of ${formatNumber(cause.all)} bugs with a known cause, over all the sprints that were read: ${label}`;
  return {
    claim: `${share} of the bugs with a known cause: ${label}`,
    hypothesis: {
      title: `One cause stands behind many defects: ${label}`,
      description:
        'Defects are not spread evenly over their causes. One repair of the process may do more here than many repairs of the code.',
      confidence_score: weigh({
        effect: cause.bugs / cause.all - 0.2,
        support: besides.length,
        sprints: cause.sprints,
      }),
      evidence: [told, ...besides],
      potential_impact: `Up to ${share} of these bugs would not arise without this cause.`,
      affected_metrics: [cause.name],
    },
    experiment: suggestWhys(label, share),
    question: `What do the bugs of this cause have in common: ${label}?`,
    focusArea: 'Causes of defects',
  };
}

const suggestShare = ({ last }: SprintWindow, pile: Movement): Experiment => ({
  title: 'A fixed share of each sprint for open bugs',
  description:
    'For two sprints a tenth of the time goes to open bugs, oldest first; what nobody will repair is closed.',
  rationale: `${formatNumber(pile.last)} bugs were open in ${last.name}.`,
  duration_sprints: 2,
  success_metrics: [`Backlog of open bugs at ${formatValue('open_bugs_count', pile.before)} or less`],
  implementation_steps: [
    'Go through the list once and close what will never be repaired',
    'Plan a tenth of the sprint for the rest',
    'Count what is opened and closed each week',
  ],
  expected_outcome: 'The number of open bugs falls from sprint to sprint.',
});

const suggestWhys = (label: string, share: string): Experiment => ({
  title: `Ask of every new bug with this cause what would have stopped it: ${label}`,
  description:
    'For two sprints two people look at each such bug on the day it is found, and change one thing in how the team works.',
  rationale: `${share} of the bugs with a known cause have this one.`,
  duration_sprints: 2,
  success_metrics: [
    `This cause below ${share} of the bugs with a known one`,
    'One change of the way of working for each bug',
  ],
  implementation_steps: [
    'Mark the cause of each bug when it is closed',
    'Choose the two people for each week',
    'Ask five times why, and write the last answer down',
    'Keep the changes that helped',
  ],
  expected_outcome: 'Fewer bugs of the same cause come back.',
});
