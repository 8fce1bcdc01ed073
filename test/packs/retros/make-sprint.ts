import type { MetricName } from '../../../packs/retros/sprints/metrics.ts';
import type { MetricsData, Sprint } from '../../../packs/retros/sprints/sprint.ts';

type Numbers = Partial<Record<MetricName, number>> & Pick<Partial<MetricsData>, 'story_point_distribution'>;

/** The `number`-th sprint, two weeks after the one before it. */
export function makeSprint(number: number, numbers: Numbers = {}): Sprint {
  return {
    id: `s-${number}`,
    name: `Sprint ${number}`,
    startDate: dayOf(number, 0),
    endDate: dayOf(number, 11),
    data: { ...numbers, source: 'api' },
  };
}

/** Sprints with these values of one metric, in order. */
export const sprintsOf = (metric: MetricName, ...values: number[]): Sprint[] =>
  values.map((value, at) => makeSprint(at + 1, { [metric]: value }));

/** A sprint as a metrics service sends it. */
export const makeRecord = (number: number, numbers: Record<string, unknown> = {}) => ({
  sprint_id: `s-${number}`,
  sprint_name: `Sprint ${number}`,
  start_date: dayOf(number, 0),
  end_date: dayOf(number, 11),
  ...numbers,
});

const dayOf = (number: number, day: number): string =>
  new Date(Date.UTC(2026, 0, 5) + ((number - 1) * 14 + day) * 86_400_000).toISOString().slice(0, 10);
