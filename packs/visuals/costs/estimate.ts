import { feeShares, planTerms, regionFactors, type Region } from './assumptions.ts';
import { formatMoney, formatPercent } from './format-money.ts';

export interface Priced {
  name: string;
  /** The typical range, in whole dollars. */
  costMin: number;
  costMax: number;
}

export interface Insurance {
  /** How much of what is above the deductible it pays. */
  coveragePercent: number;
  deductible: number;
}

export type Fees = Record<keyof typeof feeShares, number>;

export interface Coverage {
  coverage_percent: number;
  deductible: number;
  insurance_pays: number;
  patient_pays: number;
}

export interface PaymentPlan {
  months: number;
  annual_rate_percent: number;
  monthly_payment: number;
  total_paid: number;
}

export interface Estimate {
  region: Region;
  currency: 'USD';
  fees: Fees;
  total_cost: number;
  total_min: number;
  total_max: number;
  coverage: Coverage;
  payment_plans: PaymentPlan[];
  assumptions: string[];
}

/** The middle of a procedure's typical range, for a region, split into fees, and who pays it. Fees add up to the total. */
export function estimateCost(procedure: Priced, region: Region, insurance: Insurance): Estimate {
  const factor = regionFactors[region];
  const total = Math.round(((procedure.costMin + procedure.costMax) / 2) * factor);
  const insurancePays = Math.round(
    (Math.max(0, total - insurance.deductible) * insurance.coveragePercent) / 100,
  );
  const patientPays = total - insurancePays;
  return {
    region,
    currency: 'USD',
    fees: splitFees(total),
    total_cost: total,
    total_min: Math.round(procedure.costMin * factor),
    total_max: Math.round(procedure.costMax * factor),
    coverage: {
      coverage_percent: insurance.coveragePercent,
      deductible: insurance.deductible,
      insurance_pays: insurancePays,
      patient_pays: patientPays,
    },
    payment_plans: patientPays > 0 ? planTerms.map((term) => planPayments(patientPays, term)) : [],
    assumptions: nameAssumptions(procedure, region, insurance),
  };
}

/** Whole dollars; what rounding leaves goes to the surgeon's fee, the largest. */
function splitFees(total: number): Fees {
  const facility = Math.round(total * feeShares.facility);
  const anesthesia = Math.round(total * feeShares.anesthesia);
  const aftercare = Math.round(total * feeShares.aftercare);
  return { surgeon: total - facility - anesthesia - aftercare, facility, anesthesia, aftercare };
}

/** Equal instalments, rounded to cents. */
function planPayments(
  amount: number,
  { months, annualRatePercent }: (typeof planTerms)[number],
): PaymentPlan {
  const rate = annualRatePercent / 100 / 12;
  const monthly = rate === 0 ? amount / months : (amount * rate) / (1 - (1 + rate) ** -months);
  const cents = Math.round(monthly * 100);
  return {
    months,
    annual_rate_percent: annualRatePercent,
    monthly_payment: cents / 100,
    total_paid: (cents * months) / 100,
  };
}

function nameAssumptions(procedure: Priced, region: Region, insurance: Insurance): string[] {
  const range = `${formatMoney(procedure.costMin)} to ${formatMoney(procedure.costMax)}`;
  const place =
    region === 'national' ? 'as a national average' : `times ${regionFactors[region]} for the ${region}`;
  const shares = Object.entries(feeShares).map(([fee, share]) => `${fee} ${formatPercent(share * 100)}`);
  return [
    `The total is the middle of the typical range, ${range}, ${place}.`,
    `Fees are split by rule of thumb: ${shares.join(', ')}.`,
    describeInsurance(insurance),
    'Payment plans are examples with equal instalments and a fixed yearly rate, not offers.',
  ];
}

function describeInsurance({ coveragePercent, deductible }: Insurance): string {
  if (coveragePercent === 0)
    return 'No insurance is counted on: what is done for looks alone is seldom covered.';
  const base = deductible > 0 ? `what is above a deductible of ${formatMoney(deductible)}` : 'the total';
  return `Insurance is taken to pay ${formatPercent(coveragePercent)} of ${base}, as the request says; the insurer decides.`;
}
