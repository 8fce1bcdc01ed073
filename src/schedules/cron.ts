import { CronExpressionParser } from 'cron-parser';
import { clocksChanged } from './time-zone.ts';

const ALIASES = [
  'yearly',
  'monthly',
  'weekly',
  'daily',
  'hourly',
  'minutely',
  'secondly',
  'weekdays',
  'weekends',
];
const FIELDS = /^\S+( \S+){4,5}$/;
const MAX_LENGTH = 200;
const HOUR_MS = 3_600_000;

/** The expression in one form. @throws Error whose message says what is wrong. */
export function readCron(given: string): string {
  const expression = given.trim().replaceAll(/\s+/g, ' ');
  if (expression.length > MAX_LENGTH) throw new Error(`must be at most ${MAX_LENGTH} characters`);
  if (expression.startsWith('@')) {
    if (ALIASES.includes(expression.slice(1))) return expression;
    throw new Error(`must be one of ${ALIASES.map((alias) => `@${alias}`).join(', ')}`);
  }
  if (!FIELDS.test(expression)) {
    throw new Error(
      'must have five fields (minute, hour, day, month, weekday), or six with seconds before them',
    );
  }
  if (/(^|[\s,])H/i.test(expression))
    throw new Error('H is not known here: it would be another time in each process');
  CronExpressionParser.parse(expression);
  return expression;
}

/** The first time after another at which a cron expression holds; null where there is none. */
export function openCron({ expression, timeZone }: { expression: string; timeZone: string }) {
  const { hour } = CronExpressionParser.parse(expression).fields;
  return (after: Date): Date | null => {
    // The parser passes over an hour that comes twice, and makes up for one that is left out, only where it has seen
    // the change. A rule for every hour runs by the time that passes and needs neither.
    const isBlind = !hour.isWildcard && clocksChanged(timeZone, after, HOUR_MS);
    const currentDate = isBlind ? new Date(after.getTime() - HOUR_MS) : after;
    const times = CronExpressionParser.parse(expression, { tz: timeZone, currentDate });
    while (times.hasNext()) {
      const next = times.next().toDate();
      if (next > after) return next;
    }
    return null;
  };
}
