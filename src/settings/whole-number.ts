import { z } from 'zod';

/** Of a variable: digits alone. `Number()` would take a blank for 0, and 1e3 or 0x50 for what nobody meant. */
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .refine((text) => /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max, {
      error: `must be a whole number from ${min} to ${max}`,
      abort: true,
    })
    .transform(Number);
