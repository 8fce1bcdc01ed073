import { expect, test } from 'vitest';
import { assembleReport, findHypotheses } from '../../../packs/retros/report/assemble.ts';
import { readStatistics } from '../../../packs/retros/report/read-statistics.ts';
import { openDemoSource } from '../../../packs/retros/sources/demo-source.ts';
import type { MetricName } from '../../../packs/retros/sprints/metrics.ts';
import type { Sprint } from '../../../packs/retros/sprints/sprint.ts';
import { makeSprint, sprintsOf } from './make-sprint.ts';

function report(sprints: readonly Sprint[], focus: MetricName[] = [], customContext: string | null = null) {
  const statistics = readStatistics({ sprints, focus, customContext });
  return assembleReport(statistics, findHypotheses(statistics));
}

const titles = (sprints: readonly Sprint[]) => report(sprints).hypotheses.map(({ title }) => title);

const demo = await openDemoSource().fetchSprints({
  count: 20,
  teamId: null,
  signal: new AbortController().signal,
});

test('the demo’s report tells of long reviews and a tired team, and says that it is a demo', () => {
  const made = report(demo.slice(-5));
  expect(made.headline).toBe(
    'Demo data: Demo sprint 20 against the sprints before: review time up 50 % to 27 h, team happiness down 12 % to 6.5 of 10',
  );
  expect(made.summary).toMatch(/^These are invented demo numbers/);
  expect(made.summary).toContain('34 of 46 planned points were finished');
  expect(made.hypotheses.map(({ title, confidence }) => [title, confidence])).toEqual([
    ['Reviews hold up finished work', 'High'],
    ['The way of working wears the team down', 'Medium'],
    ['More is begun than can be finished', 'Medium'],
  ]);
  expect(made.suggested_experiments).toHaveLength(3);
  expect(made.suggested_experiments[0]?.success_metrics[0]).toBe('Review time at 18 h or less');
  expect(made.facilitation_guide.retro_questions).toHaveLength(3);
  expect(made.sprint_period).toBe('Demo sprint 16 to Demo sprint 20 (2026-03-30 to 2026-06-05)');
});

test('the agenda takes fifteen minutes', () => {
  const parts = report(demo.slice(-5)).facilitation_guide.agenda_15min.map((line) =>
    /^(\d+)–(\d+) min/.exec(line),
  );
  expect(parts.map((part) => part?.[1])).toEqual(['0', ...parts.slice(0, -1).map((part) => part?.[2])]);
  expect(parts.at(-1)?.[2]).toBe('15');
});

test('the order in which sprints come does not matter', () => {
  expect(report(demo.slice(-6).toReversed())).toEqual(report(demo.slice(-6)));
});

test('a quiet stretch of sprints gets no alarm', () => {
  const made = report(demo.slice(10, 15));
  expect(made.headline).toContain('nothing but small counts moved by 20 % or more');
  expect(made.hypotheses.every(({ confidence }) => confidence === 'Low')).toBe(true);
});

test('reviews that take long are the bottleneck, also where they always did', () => {
  expect(titles(sprintsOf('review_time', 10, 11, 10, 16))).toEqual(['Reviews hold up finished work']);
  const always = [1, 2, 3, 4, 5].map((at) => makeSprint(at, { review_time: 30, coding_time: 50 }));
  expect(report(always).headline).toContain('30 h of review to 50 h of coding');
  expect(titles(sprintsOf('review_time', 10, 11, 10, 11))).toEqual([]);
});

test('large stories are a finding only where planned work is left over', () => {
  const sized = (done: number) =>
    [1, 2, 3].map((at) =>
      makeSprint(at, {
        story_points_completed: done,
        story_points_planned: 40,
        story_point_distribution: { small: 5, medium: 5, large: 8 },
      }),
    );
  expect(titles(sized(30))).toEqual(['Stories are too large for one sprint']);
  expect(titles(sized(40))).toEqual([]);
});

test('a defect rate that rises while testing falls says so', () => {
  const made = report([
    makeSprint(1, { defect_rate_production: 0.3, testing_time: 20 }),
    makeSprint(2, { defect_rate_production: 0.3, testing_time: 20 }),
    makeSprint(3, { defect_rate_production: 0.6, testing_time: 12 }),
  ]);
  expect(made.hypotheses[0]).toMatchObject({
    title: 'More defects reach production',
    affected_metrics: ['defect_rate_production', 'testing_time'],
  });
  expect(made.hypotheses[0]?.description).toContain('less time went into testing');
});

test('low and falling happiness, unplanned work, carried work and bugs of one cause are found', () => {
  expect(titles(sprintsOf('team_happiness', 8, 8, 6.9))).toEqual(['The way of working wears the team down']);
  expect(titles(sprintsOf('team_happiness', 5, 5, 5))).toEqual(['The team is not happy with how it works']);
  expect(titles(sprintsOf('items_out_of_sprint_percent', 8, 9, 24))).toEqual([
    'Unplanned work pushes planned work out',
  ]);
  const carried = [1, 2].map((at) => makeSprint(at, { items_carried_over: 6, items_completed: 10 }));
  expect(titles(carried)).toEqual(['More is begun than can be finished']);
  expect(titles(sprintsOf('open_bugs_count', 10, 10, 20))).toEqual([
    'Bugs come in faster than they are repaired',
  ]);
  const causes = [1, 2].map((at) => makeSprint(at, { bugs_requirement_gap: 4, bugs_security: 1 }));
  expect(titles(causes)).toEqual(['One cause stands behind many defects: gaps in requirements']);
});

test('more sprints make the same finding surer, and none makes it certain', () => {
  const score = (values: number[]) =>
    report(sprintsOf('review_time', ...values)).hypotheses[0]?.confidence_score ?? 0;
  const [two, three, five] = [score([10, 20]), score([10, 10, 20]), score([10, 10, 10, 10, 20])];
  expect(two).toBeLessThan(three);
  expect(three).toBeLessThan(five);
  expect(five).toBeLessThanOrEqual(0.95);
});

test('what the caller looks at comes first, in trends, charts and headline', () => {
  const made = report(demo.slice(-5), ['story_points_completed', 'bugs_security']);
  expect(made.trends.map(({ metric_name }) => metric_name)).toEqual(['story_points_completed']);
  expect(made.charts.map(({ chart_id }) => chart_id)).toEqual(['story_points_completed']);
  expect(made.headline).toContain('velocity down 16 % to 34 points');
  expect(made.summary).toContain('Not measured in both of the last two sprints: bugs of security');
});

test('the context of the team stands in the report', () => {
  const made = report(demo.slice(-5), [], 'Two people joined.');
  expect(made.custom_context).toBe('Two people joined.');
  expect(made.summary).toContain('Two people joined.');
});

test('charts are Plotly figures with a gap where nothing was measured and a mark where it is unusual', () => {
  const sprints = sprintsOf('team_happiness', 7, 7, 7, 7, 4);
  const gap = makeSprint(6);
  const [chart] = report([...sprints, gap, makeSprint(7, { team_happiness: 7 })]).charts;
  expect(chart).toMatchObject({
    chart_id: 'happiness',
    chart_type: 'line',
    data: { data: [{ type: 'scatter', y: [7, 7, 7, 7, 4, null, 7] }] },
    annotations: [{ x: 'Sprint 5', y: 4, text: 'unusual: 4 of 10' }],
  });
});
