import { expect, test } from 'vitest';
import { findCorrelations } from '../../../packs/retros/statistics/correlations.ts';
import { findOutliers } from '../../../packs/retros/statistics/outliers.ts';
import { findTrends } from '../../../packs/retros/statistics/trends.ts';
import { makeSprint, sprintsOf } from './make-sprint.ts';

const trendOf = (...values: number[]) => findTrends(sprintsOf('review_time', ...values), ['review_time'])[0];

test('a change of 20 % between the last two sprints is significant, one of 19.9 % is not', () => {
  expect(trendOf(5, 10, 12)).toMatchObject({
    current_value: 12,
    previous_value: 10,
    change_percent: 20,
    trend_direction: 'increasing',
    is_significant: true,
    significance_level: 'Medium',
  });
  expect(trendOf(10, 11.99)).toMatchObject({ is_significant: false, significance_level: 'Low' });
  expect(trendOf(10, 5)).toMatchObject({ trend_direction: 'decreasing', significance_level: 'High' });
});

test('a change of less than 1 % is stable', () => {
  expect(trendOf(100, 100.99)).toMatchObject({ trend_direction: 'stable', is_significant: false });
  expect(trendOf(100, 101)).toMatchObject({ trend_direction: 'increasing' });
});

test('a rise from nothing is a number, and what stays nothing is stable', () => {
  expect(trendOf(0, 3)).toMatchObject({ change_percent: 100, trend_direction: 'increasing' });
  expect(trendOf(0, 0)).toMatchObject({ change_percent: 0, trend_direction: 'stable' });
});

test('a metric that one of the last two sprints lacks has no trend', () => {
  const sprints = [makeSprint(1, { review_time: 1 }), makeSprint(2, { review_time: 2 }), makeSprint(3)];
  expect(findTrends(sprints, ['review_time'])).toEqual([]);
});

test('two standard deviations from the mean is an outlier', () => {
  const [outlier, ...more] = findOutliers(sprintsOf('coding_time', 60, 60, 60, 60, 30), ['coding_time']);
  expect(outlier).toMatchObject({ sprint_id: 's-5', value: 30, z_score: -2 });
  expect(more).toEqual([]);
  expect(findOutliers(sprintsOf('coding_time', 60, 61, 59, 60, 58), ['coding_time'])).toEqual([]);
  expect(findOutliers(sprintsOf('coding_time', 60, 60, 60), ['coding_time'])).toEqual([]);
});

const pair = (happiness: number[], review: number[]) =>
  findCorrelations(
    happiness.map((value, at) =>
      makeSprint(at + 1, {
        team_happiness: value,
        ...(review[at] !== undefined && { review_time: review[at] }),
      }),
    ),
    ['team_happiness', 'review_time'],
  );

test('|r| of 0.6 over three sprints is strong, less or over two is not', () => {
  expect(pair([8, 7, 6], [10, 20, 30])).toMatchObject([
    { metric_1: 'team_happiness', metric_2: 'review_time', correlation_coefficient: -1, is_strong: true },
  ]);
  expect(pair([8, 7, 6], [10, 20])).toEqual([]);
  expect(pair([8, 7, 6, 7.5], [10, 20, 11, 30])).toEqual([]);
});

test('a correlation over few sprints says that it may be chance', () => {
  expect(pair([8, 7, 6], [10, 20, 30])[0]?.interpretation).toContain('may well be chance');
  const long = pair([8, 7, 6, 5, 4, 3], [10, 20, 30, 41, 52, 60]);
  expect(long[0]?.interpretation).toContain('no proof');
});

test('what never changes correlates with nothing, nor do metrics of one family', () => {
  expect(pair([7, 7, 7, 7], [1, 2, 3, 4])).toEqual([]);
  const sprints = [1, 2, 3, 4].map((at) => makeSprint(at, { defect_rate_all: at, bugs_prod: at * 2 }));
  expect(findCorrelations(sprints, ['defect_rate_all', 'bugs_prod'])).toEqual([]);
});

test('a rise from next to nothing is still a number', () => {
  const { change_percent } = trendOf(2e-305, 1) ?? {};
  expect(Number.isFinite(change_percent)).toBe(true);
});
