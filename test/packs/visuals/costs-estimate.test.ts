import { expect, test } from 'vitest';
import { regions } from '../../../packs/visuals/costs/assumptions.ts';
import { estimateCost } from '../../../packs/visuals/costs/estimate.ts';

const procedure = { name: 'Rhinoplasty', costMin: 5_000, costMax: 12_000 };
const NONE = { coveragePercent: 0, deductible: 0 };

test('the total is the middle of the typical range, and the fees add up to it in every region', () => {
  expect(estimateCost(procedure, 'national', NONE)).toMatchObject({
    total_cost: 8_500,
    total_min: 5_000,
    total_max: 12_000,
    fees: { surgeon: 4_675, facility: 1_870, anesthesia: 1_105, aftercare: 850 },
  });
  for (const region of regions) {
    const { fees, total_cost } = estimateCost({ ...procedure, costMax: 12_345 }, region, NONE);
    expect(Object.values(fees).reduce((sum, fee) => sum + fee)).toBe(total_cost);
  }
  expect(estimateCost(procedure, 'northeast', NONE).total_cost).toBe(9_520);
});

test('insurance pays its share of what is above the deductible, and the patient the rest', () => {
  const { coverage } = estimateCost(procedure, 'national', { coveragePercent: 80, deductible: 1_500 });
  expect(coverage).toMatchObject({ insurance_pays: 5_600, patient_pays: 2_900 });
  const below = estimateCost(procedure, 'national', { coveragePercent: 80, deductible: 20_000 });
  expect(below.coverage).toMatchObject({ insurance_pays: 0, patient_pays: 8_500 });
});

test('payment plans are about what the patient pays, and there is none where that is nothing', () => {
  const { payment_plans } = estimateCost(procedure, 'national', { coveragePercent: 50, deductible: 0 });
  expect(payment_plans[0]).toEqual({
    months: 6,
    annual_rate_percent: 0,
    monthly_payment: 708.33,
    total_paid: 4_249.98,
  });
  // 4,250 at 5.9 % a year in 12 instalments, by the formula of an annuity.
  expect(payment_plans[1]).toMatchObject({ months: 12, monthly_payment: 365.59 });
  expect(estimateCost(procedure, 'national', { coveragePercent: 100, deductible: 0 }).payment_plans).toEqual(
    [],
  );
});

test('an estimate says what it rests on', () => {
  const said = estimateCost(procedure, 'west', { coveragePercent: 80, deductible: 500 }).assumptions.join(
    ' ',
  );
  expect(said).toContain('$5,000 to $12,000, times 1.1 for the west');
  expect(said).toContain('surgeon 55%');
  expect(said).toContain('80% of what is above a deductible of $500');
  expect(estimateCost(procedure, 'west', NONE).assumptions.join(' ')).toContain('No insurance is counted on');
});
