import type { Finding } from '../detectors/finding.ts';
import type { Report } from './schema.ts';
import type { Statistics } from './read-statistics.ts';
import { isImprovement, tellingTrends, tellTrend } from './key-trends.ts';

const QUESTIONS = 3;
const FOR_EVERYBODY = [
  'Which of these numbers surprised you, and what do you know that they do not show?',
  'What should stay exactly as it is in the next sprint?',
  'If we could change one thing only, which would it be?',
];

/** Three questions and a quarter of an hour, made of what was found. */
export function guideRetro(
  { trends }: Statistics,
  findings: readonly Finding[],
): Report['facilitation_guide'] {
  const better = tellingTrends(trends).find(isImprovement);
  const questions = [
    ...findings.slice(0, better ? QUESTIONS - 1 : QUESTIONS).map(({ question }) => question),
    ...(better ? [`What helped (${tellTrend(better)}), and how do we keep it?`] : []),
    ...FOR_EVERYBODY,
  ];
  const areas = findings.map(({ focusArea }) => focusArea);
  return {
    retro_questions: questions.slice(0, QUESTIONS),
    agenda_15min: writeAgenda(findings[0]),
    focus_areas: areas.length > 0 ? areas : ['What works, and how to keep it'],
  };
}

function writeAgenda(first: Finding | undefined): string[] {
  const subject = first ? `"${first.hypothesis.title}"` : 'what surprised most';
  const experiment = first ? `"${first.experiment.title}" or a better idea` : 'one small change';
  return [
    '0–2 min: everybody reads headline and charts in silence',
    '2–5 min: first question, one sentence from each',
    `5–9 min: ${subject}: what speaks for it, what against?`,
    `9–13 min: choose one experiment: ${experiment}`,
    '13–15 min: who looks after it, and by which number we will know',
  ];
}
