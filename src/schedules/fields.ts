import { z } from 'zod';

// Short enough for the tag of its tasks.
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/;

export const ruleFields = z.strictObject({
  cron: z.string().max(10_000).optional(),
  rrule: z.string().max(10_000).optional(),
  timeZone: z.string().max(100).optional(),
});

/** What a schedule is made of, from the configuration and from callers. */
export const scheduleFields = ruleFields.extend({
  name: z.string().regex(NAME, 'must be up to 80 letters, digits, ".", "_" and "-"'),
  task: z.string().max(100),
  input: z.unknown(),
  missed: z.enum(['skip', 'once']).optional(),
  priority: z.int().min(-1000).max(1000).optional(),
  tags: z.array(z.string().min(1).max(100)).max(19).optional(),
});
