import type { ScheduleView } from '../../../wire/schedules.ts';

/** A rule on one line. */
export const describeRule = ({ cron, rrule, timeZone }: ScheduleView): string =>
  `${cron ?? rrule?.replaceAll('\n', ' ')} (${timeZone})`;
