import type { Confidence } from '../report/schema.ts';
import { round } from '../sprints/format.ts';

const HIGH = 0.8;
const MEDIUM = 0.5;
/** By how many sprints stand behind it: 2, 3, 4. */
const TRUST = [0.6, 0.75, 0.9];

/**
 * How far the numbers bear a hypothesis out, 0 to 1: by the size of the effect (0 to 1), by what else points the same way, and by
 * how many sprints there are. No number of sprints makes more than 0.95 of it: what is behind numbers is a guess.
 */
export function weigh(seen: { effect: number; support: number; sprints: number }): number {
  const effect = Math.max(0, Math.min(1, seen.effect));
  const score = 0.35 + 0.4 * effect + 0.1 * Math.min(2, seen.support);
  return round(score * (TRUST[seen.sprints - 2] ?? (seen.sprints < 2 ? 0.5 : 1)));
}

export const confidenceOf = (score: number): Confidence =>
  score >= HIGH ? 'High' : score >= MEDIUM ? 'Medium' : 'Low';
