import { sampleCorrelation } from 'simple-statistics';
import { round } from '../sprints/format.ts';
import { metrics, type MetricName } from '../sprints/metrics.ts';
import type { Sprint } from '../sprints/sprint.ts';

/** Two metrics that correlate strongly: Pearson's r over so many sprints. */
export interface Link {
  first: MetricName;
  second: MetricName;
  r: number;
  points: number;
}

const STRONG = 0.6;
/** Two-sided critical values of r at 5 % for 5 to 10 points; from 11 on whatever is strong passes. Fewer than 5 show nothing. */
const CRITICAL = [0.878, 0.811, 0.754, 0.707, 0.666, 0.632];
const FEWEST_TO_TELL = 5;
const FEWEST_VALUES = 3;

/** null where it is not strong, or where one of them takes fewer than three values: a line through two points is always straight. */
export function findLink(sprints: readonly Sprint[], first: MetricName, second: MetricName): Link | null {
  const pairs = sprints.flatMap(({ data }) => {
    const [x, y] = [data[first], data[second]];
    return x === undefined || y === undefined ? [] : [[x, y] as const];
  });
  const [xs, ys] = [pairs.map(([x]) => x), pairs.map(([, y]) => y)];
  if (Math.min(new Set(xs).size, new Set(ys).size) < FEWEST_VALUES) return null;
  const r = sampleCorrelation(xs, ys);
  if (!Number.isFinite(r) || Math.abs(r) < STRONG) return null;
  return { first, second, r: round(Math.max(-1, Math.min(1, r)), 3), points: pairs.length };
}

/** Such as `Review time and velocity moved in opposite directions over 5 sprints (r = -0.91)`. */
export function tellLink({ first, second, r, points }: Link): string {
  const how = r > 0 ? 'rose and fell together' : 'moved in opposite directions';
  return `${metrics[first].label} and ${metrics[second].label.toLowerCase()} ${how} over ${points} sprints (r = ${r})`;
}

/** Whether chance would show one pair like this in less than one of twenty cases. */
export const isClear = ({ r, points }: Link): boolean =>
  points >= FEWEST_TO_TELL && Math.abs(r) >= (CRITICAL[points - FEWEST_TO_TELL] ?? STRONG);
