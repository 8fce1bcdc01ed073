import { count, formatChange, formatValue } from '../sprints/format.ts';
import { metrics, type MetricName } from '../sprints/metrics.ts';
import { tellLink } from '../statistics/links.ts';
import type { Movement } from '../statistics/movement.ts';
import type { SprintWindow } from './finding.ts';

const WORTH_TELLING_PERCENT = 5;

/** Such as `Review time: 19 h in Sprint 25, against 11.8 h on average in the 4 sprints before (up 61 %)`. */
export function tellMovement(window: SprintWindow, move: Movement): string {
  const before =
    move.earlier === 1 ? 'in the sprint before' : `on average in the ${count(move.earlier, 'sprint')} before`;
  const value = formatValue(move.metric, move.last);
  return `${metrics[move.metric].label}: ${value} in ${window.last.name}, against ${formatValue(move.metric, move.before)} ${before} (${formatChange(move.percent)})`;
}

/** Such as `review time up 61 % to 19 h`. */
export const claimMovement = (move: Movement): string =>
  `${metrics[move.metric].label.toLowerCase()} ${formatChange(move.percent)}${isSame(move) ? ' at' : ' to'} ${formatValue(move.metric, move.last)}`;

const isSame = ({ percent }: Movement) => percent !== null && (Math.abs(percent) < 1 || percent >= 1000);

/** Rise in per cent; one from nothing counts as 100. Falls are negative. */
export const riseOf = (move: Movement | null): number => (move === null ? 0 : (move.percent ?? 100));

/** Lines for what became worse, of these metrics: what else points the same way. */
export function tellWorse(window: SprintWindow, names: readonly MetricName[]): string[] {
  return names.flatMap((name) => {
    const move = window.move(name);
    const rise = riseOf(move);
    const isWorse =
      metrics[name].better === 'higher' ? rise <= -WORTH_TELLING_PERCENT : rise >= WORTH_TELLING_PERCENT;
    return move && isWorse ? [tellMovement(window, move)] : [];
  });
}

/** Lines for correlations of the first metric with the others, where they have this sign. */
export function tellLinks(
  window: SprintWindow,
  first: MetricName,
  others: readonly [MetricName, 1 | -1][],
): string[] {
  return others.flatMap(([other, sign]) => {
    const link = window.link(first, other);
    return link && Math.sign(link.r) === sign ? [tellLink(link)] : [];
  });
}
