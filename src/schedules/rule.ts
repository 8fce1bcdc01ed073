import { LovageError } from '../errors.ts';
import { isTimeZone } from './time-zone.ts';

/** When a schedule runs, in the form in which it is stored. */
export interface Rule {
  kind: 'cron' | 'rrule';
  expression: string;
  timeZone: string;
}

export interface GivenRule {
  cron?: string | undefined;
  /** The lines of RFC 5545: `RRULE`, and `DTSTART` where it matters from when. */
  rrule?: string | undefined;
  /** An IANA name. Default: the one of `DTSTART`, else UTC. */
  timeZone?: string | undefined;
}

const DEFAULT_ZONE = 'UTC';
/** What lies further ahead than a hundred years does not occur. */
const HORIZON_MS = 100 * 365.25 * 24 * 3_600_000;

/** @throws LovageError validation with a pointer per fault. */
export async function readRule(given: GivenRule): Promise<Rule> {
  const { cron, rrule, timeZone } = given;
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    throw fault('timeZone', `"${timeZone.slice(0, 64)}" is no time zone; write it like Europe/Berlin`);
  }
  if (cron !== undefined && rrule === undefined) {
    const expression = await reading('cron', async () => (await import('./cron.ts')).readCron(cron));
    return { kind: 'cron', expression, timeZone: timeZone ?? DEFAULT_ZONE };
  }
  if (rrule === undefined || cron !== undefined) throw fault('cron', 'give either cron or rrule');
  return reading('rrule', async () => {
    const { readRRuleText } = await import('./rrule-text.ts');
    const text = readRRuleText(rrule);
    const rule = {
      kind: 'rrule' as const,
      expression: text.expression,
      timeZone: zoneOf(text.timeZone, timeZone),
    };
    const { openRRule } = await import('./rrule.ts');
    openRRule(rule);
    return rule;
  });
}

/** True for a rule that was never meant to go on for ever. */
export const hasEnd = ({ kind, expression }: Rule): boolean =>
  kind === 'rrule' && /[:;](COUNT|UNTIL)=/.test(expression);

/** @throws LovageError validation where the rule names no time after `now`. */
export async function firstOccurrence(rule: Rule, now: Date): Promise<Date> {
  const next = await nextOccurrence(rule, now);
  if (next) return next;
  throw fault(rule.kind, 'it does not occur within the next hundred years, or only among too many others');
}

/** Null where nothing is left to come. */
export async function nextOccurrence(rule: Rule, after: Date): Promise<Date | null> {
  const [next] = await occurrencesAfter(rule, after, 1);
  return next ?? null;
}

/** The next `count` times after another, or as many as there are. */
export async function occurrencesAfter(rule: Rule, after: Date, count: number): Promise<Date[]> {
  const next =
    rule.kind === 'cron'
      ? (await import('./cron.ts')).openCron(rule)
      : (await import('./rrule.ts')).openRRule(rule);
  const horizon = after.getTime() + HORIZON_MS;
  const times: Date[] = [];
  let time = next(after);
  while (time !== null && time.getTime() <= horizon) {
    times.push(time);
    if (times.length === count) break;
    time = next(time);
  }
  return times;
}

function zoneOf(own: string | undefined, given: string | undefined): string {
  if (own !== undefined && !isTimeZone(own)) throw fault('rrule', `"${own.slice(0, 64)}" is no time zone`);
  if (own === undefined || given === undefined) return own ?? given ?? DEFAULT_ZONE;
  if (own.toLowerCase() === given.toLowerCase()) return own;
  throw fault('timeZone', `DTSTART is in ${own}: leave timeZone out, or write DTSTART as local time`);
}

async function reading<Value>(pointer: string, read: () => Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof LovageError) throw error;
    throw fault(pointer, error instanceof Error ? error.message : String(error), error);
  }
}

function fault(field: string, detail: string, cause?: unknown): LovageError {
  const faults = [{ pointer: `/${field}`, detail: detail.slice(0, 300) }];
  return new LovageError('validation', 'the schedule has no rule that makes sense', { faults, cause });
}
