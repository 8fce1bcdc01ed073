import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assembleReport, findHypotheses } from '../../../packs/retros/report/assemble.ts';
import { readStatistics } from '../../../packs/retros/report/read-statistics.ts';
import { reportSchema } from '../../../packs/retros/report/schema.ts';
import { metricNames, metrics, type MetricName } from '../../../packs/retros/sprints/metrics.ts';
import type { Sprint } from '../../../packs/retros/sprints/sprint.ts';
import { makeSprint } from './make-sprint.ts';

/** Ordinary numbers, whole ones, none at all, and the ends of the range. */
const value = (max: number) =>
  fc.oneof(
    fc.double({ min: 0, max: Math.min(max, 100), noNaN: true }),
    fc.integer({ min: 0, max: Math.min(max, 40) }),
    fc.constantFrom(0, max),
    fc.double({ min: 0, max, noNaN: true }),
  );
const numbers = fc.record(
  Object.fromEntries(metricNames.map((name) => [name, value(metrics[name].max)])) as Record<
    MetricName,
    fc.Arbitrary<number>
  >,
  { requiredKeys: [] },
);
const sizes = fc.record({ small: value(1e9), medium: value(1e9), large: value(1e9) });
const sprints = fc
  .array(fc.tuple(numbers, fc.option(sizes, { nil: undefined })), { minLength: 2, maxLength: 20 })
  .map((all) =>
    all.map(([measured, story_point_distribution], at) =>
      makeSprint(at + 1, { ...measured, ...(story_point_distribution && { story_point_distribution }) }),
    ),
  );
const focus = fc.uniqueArray(fc.constantFrom(...metricNames), { maxLength: 3 });

function report(given: readonly Sprint[], asked: MetricName[] = []) {
  const statistics = readStatistics({ sprints: given, focus: asked, customContext: null });
  return assembleReport(statistics, findHypotheses(statistics));
}

const RUNS = { numRuns: 300 };

test('no numbers in range make a report that does not fit its schema or is not the same in JSON', () => {
  const schema = reportSchema.omit({ report_id: true, generated_at: true, metadata: true });
  fc.assert(
    fc.property(sprints, focus, (given, asked) => {
      const made = report(given, asked);
      expect(schema.safeParse(made).error?.issues).toBeUndefined();
      expect(JSON.parse(JSON.stringify(made))).toEqual(made);
      expect(JSON.stringify(made)).not.toMatch(/NaN|Infinity|undefined|null %|-0\b(?!\.)/);
    }),
    RUNS,
  );
});

test('every movement that is told happened, in that direction and to that value', () => {
  fc.assert(
    fc.property(sprints, focus, (given, asked) => {
      const made = report(given, asked);
      for (const line of made.hypotheses.flatMap(({ evidence }) => evidence)) checkEvidence(line, given);
      checkHeadline(made.headline, given);
    }),
    RUNS,
  );
});

test('a hypothesis names only metrics that were measured, or would be helped, and each has its experiment', () => {
  fc.assert(
    fc.property(sprints, focus, (given, asked) => {
      const made = report(given, asked);
      expect(made.suggested_experiments).toHaveLength(made.hypotheses.length);
      for (const { evidence, confidence, confidence_score } of made.hypotheses) {
        expect(evidence.length).toBeGreaterThan(0);
        expect(confidence).toBe(
          confidence_score >= 0.8 ? 'High' : confidence_score >= 0.5 ? 'Medium' : 'Low',
        );
      }
    }),
    RUNS,
  );
});

test('where nothing changes nothing is said to have changed', () => {
  fc.assert(
    fc.property(numbers, fc.integer({ min: 2, max: 20 }), (measured, length) => {
      const given = Array.from({ length }, (_, at) => makeSprint(at + 1, measured));
      const made = report(given);
      expect(made.trends.every(({ trend_direction }) => trend_direction === 'stable')).toBe(true);
      expect([made.correlations, made.outliers]).toEqual([[], []]);
      const texts = [made.headline, made.summary, ...made.hypotheses.flatMap((found) => found.evidence)];
      expect(texts.join(' ')).not.toMatch(/\b(up|down) \d|from nothing/);
    }),
    RUNS,
  );
});

/** The same sums as the report, done in another way. */
function moved(name: MetricName, given: readonly Sprint[]): { last: number; before: number } {
  const values = given.map(({ data }) => data[name]).filter((one) => one !== undefined);
  const earlier = values.slice(0, -1);
  return {
    last: values.at(-1) ?? Number.NaN,
    before: earlier.reduce((sum, one) => sum + one / earlier.length, 0),
  };
}

const byLabel = new Map(metricNames.map((name) => [metrics[name].label, name]));
const MOVEMENT = /^(.+?): (almost 0|[\d.]+).*? in Sprint \d+, against .*\((.+)\)$/;

function checkEvidence(line: string, given: readonly Sprint[]): void {
  const told = MOVEMENT.exec(line);
  if (!told) return;
  const name = byLabel.get(told[1] ?? '');
  if (name === undefined) throw new Error(`no metric: ${line}`);
  expect(given.at(-1)?.data[name]).toBeDefined();
  const { last, before } = moved(name, given);
  checkNumber(told[2] ?? '', last);
  checkDirection(told[3] ?? '', last, before);
}

function checkNumber(shown: string, value: number): void {
  if (shown === 'almost 0') expect(value).toBeLessThan(0.01);
  else expect(Math.abs(Number(shown) - value)).toBeLessThanOrEqual(value >= 100 ? 0.5 : 0.051);
}

function checkDirection(told: string, last: number, before: number): void {
  if (told.startsWith('up') || told.startsWith('more than ten')) expect(last).toBeGreaterThan(before);
  if (told.startsWith('down')) expect(last).toBeLessThan(before);
}

function checkHeadline(headline: string, given: readonly Sprint[]): void {
  const isAgainstAll = headline.includes('against the sprints before');
  for (const [label, name] of byLabel) {
    const told = new RegExp(`(?:: |, )${label.toLowerCase()} (up|down) `).exec(headline);
    if (!told) continue;
    const { last, before } = moved(name, isAgainstAll ? given : given.slice(-2));
    checkDirection(told[1] ?? '', last, before);
  }
}
