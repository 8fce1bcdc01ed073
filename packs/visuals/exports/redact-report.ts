import type { Report } from './report.ts';

/**
 * The report without what says who the patient is, what ails them and how they are insured. The estimates' own remarks go as
 * well, since they repeat what the insurance pays.
 */
export function redactReport(report: Report): Report {
  return {
    ...report,
    shareable: true,
    patient: null,
    cost_estimates: report.cost_estimates.map((cost) => ({
      ...cost,
      coverage: null,
      payment_plans: null,
      assumptions: [],
    })),
  };
}
