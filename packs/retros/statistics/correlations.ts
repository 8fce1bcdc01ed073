import { metrics, type MetricName } from '../sprints/metrics.ts';
import type { Sprint } from '../sprints/sprint.ts';
import type { Correlation } from '../report/schema.ts';
import { findLink, isClear, tellLink, type Link } from './links.ts';

/** Strong correlations between metrics of different families, the strongest first. */
export function findCorrelations(
  sprints: readonly Sprint[],
  names: readonly MetricName[],
  others: readonly MetricName[] = names,
): Correlation[] {
  return pairUp(names, others)
    .flatMap(([first, second]) => findLink(sprints, first, second) ?? [])
    .sort((a, b) => Number(isClear(b)) - Number(isClear(a)) || Math.abs(b.r) - Math.abs(a.r))
    .map(describe);
}

/** Each pair once. */
function pairUp(names: readonly MetricName[], others: readonly MetricName[]): [MetricName, MetricName][] {
  const seen = new Set<string>();
  return names
    .flatMap((first) => others.map((second): [MetricName, MetricName] => [first, second]))
    .filter(([first, second]) => {
      const pair = [first, second].sort().join();
      const isNew = !seen.has(pair) && metrics[first].family !== metrics[second].family;
      seen.add(pair);
      return isNew;
    });
}

function describe(link: Link): Correlation {
  const caution = isClear(link)
    ? 'Worth a question; no proof that one causes the other.'
    : 'With so few sprints this may well be chance.';
  return {
    metric_1: link.first,
    metric_2: link.second,
    correlation_coefficient: link.r,
    is_strong: true,
    interpretation: `${tellLink(link)}. ${caution}`,
  };
}
