import type { Fees } from './estimate.ts';

export const feeLabels: Record<keyof Fees, string> = {
  surgeon: 'Surgeon',
  facility: 'Operating room',
  anesthesia: 'Anesthesia',
  aftercare: 'Aftercare',
};
