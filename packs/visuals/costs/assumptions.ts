/**
 * What an estimate rests on: rules of thumb, chosen to be simple and said out loud in every estimate, not the prices of any clinic.
 */

/** How a price is usually made up; the shares add up to 1. */
export const feeShares = { surgeon: 0.55, facility: 0.22, anesthesia: 0.13, aftercare: 0.1 } as const;

/** Prices of a region against the national ones. */
export const regionFactors = {
  national: 1,
  northeast: 1.12,
  midwest: 0.94,
  south: 0.92,
  west: 1.1,
} as const;

/** Instalments on what the patient pays, with a fixed yearly rate. */
export const planTerms = [
  { months: 6, annualRatePercent: 0 },
  { months: 12, annualRatePercent: 5.9 },
  { months: 24, annualRatePercent: 7.9 },
  { months: 36, annualRatePercent: 9.9 },
] as const;

export type Region = keyof typeof regionFactors;
export const regions = Object.keys(regionFactors) as [Region, ...Region[]];
