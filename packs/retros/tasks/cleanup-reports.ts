import { defineTask } from 'lovage';
import { z } from 'zod';
import { daysAgo } from '../store/clock.ts';
import { countOldReports, deleteOldReports, type Cutoff } from '../store/old-reports.ts';
import { policy } from './policy.ts';

const DAYS_TO_KEEP = 90;
/** The tenant of the schedule, and of the house. */
const HOUSE = 'default';

export const cleanupReportsInput = z.strictObject({
  days_to_keep: z.int().min(1).max(36_500).default(DAYS_TO_KEEP),
});

/**
 * Deletes the tenant's reports that are older, with their hypotheses and experiments. In the house's own tenant, where the daily
 * schedule runs it, it also deletes everybody else's past 90 days: never earlier, whatever was asked for.
 */
export const cleanupReports = defineTask({
  ...policy,
  name: 'retros.cleanupReports',
  queue: 'reports',
  priority: -10,
  input: cleanupReportsInput,
  output: z.strictObject({
    status: z.literal('success'),
    deleted: z.int().min(0),
    cutoff_date: z.iso.datetime(),
  }),
  async run({ input, tenant, db, onSettle }) {
    const own = await daysAgo(db, input.days_to_keep);
    const others = tenant === HOUSE ? await daysAgo(db, Math.max(DAYS_TO_KEEP, input.days_to_keep)) : null;
    const cutoff: Cutoff = { tenant, own, others };
    const deleted = await countOldReports(db, cutoff);
    onSettle((tx) => deleteOldReports(tx, cutoff));
    return { status: 'success' as const, deleted, cutoff_date: own.toISOString() };
  },
});
