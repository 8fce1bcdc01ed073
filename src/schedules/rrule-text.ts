const MAX_LENGTH = 5_000;
const MAX_COUNT = 1_000;
const MAX_TIMES_A_DAY = 96;
/** Where a rule does not say from when: a Saturday's midnight. */
const DEFAULT_START = '20000101T000000';

const FREQUENCIES = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY', 'MINUTELY', 'SECONDLY'];
const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const whole = (min: number, max: number) => (text: string) =>
  /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max;
const signed = (max: number) => (text: string) => whole(1, max)(text.replace(/^[+-]/, ''));
const listOf = (isOne: (text: string) => boolean) => (text: string) => text.split(',').every(isOne);
const WEEKDAY = /^([+-]?[1-9]\d?)?(MO|TU|WE|TH|FR|SA|SU)$/;
const TIME = /^\d{8}(T\d{6}Z?)?$/;

/** The parts of RFC 5545; its library passes over what it does not know. */
const PARTS: Record<string, (text: string) => boolean> = {
  FREQ: (text) => FREQUENCIES.includes(text),
  INTERVAL: whole(1, 999_999),
  COUNT: whole(1, MAX_COUNT),
  UNTIL: (text) => TIME.test(text),
  BYSECOND: listOf(whole(0, 59)),
  BYMINUTE: listOf(whole(0, 59)),
  BYHOUR: listOf(whole(0, 23)),
  BYDAY: listOf((text) => WEEKDAY.test(text)),
  BYMONTHDAY: listOf(signed(31)),
  BYYEARDAY: listOf(signed(366)),
  BYWEEKNO: listOf(signed(53)),
  BYMONTH: listOf(whole(1, 12)),
  BYSETPOS: listOf(signed(366)),
  WKST: (text) => WEEKDAY.test(text) && text.length === 2,
};

export interface RRuleText {
  /** Its lines in one form, `DTSTART` among them. */
  expression: string;
  /** As `DTSTART` names it; undefined where it leaves it open. */
  timeZone: string | undefined;
}

/** Reads the lines of a recurrence. @throws Error whose message says what is wrong. */
export function readRRuleText(given: string): RRuleText {
  if (given.length > MAX_LENGTH) throw new Error(`must be at most ${MAX_LENGTH} characters`);
  const lines = given
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean)
    .map(readLine);
  const [rule, secondRule] = lines.filter(({ name }) => name === 'RRULE');
  const [start, secondStart] = lines.filter(({ name }) => name === 'DTSTART');
  if (!rule || secondRule) throw new Error('must hold one RRULE');
  if (secondStart) throw new Error('must hold one DTSTART');
  checkParts(rule.value, start !== undefined);
  const others = lines.filter((line) => line !== start && line !== rule);
  return {
    expression: [
      start?.text ?? `DTSTART:${DEFAULT_START}`,
      rule.text,
      ...others.map(({ text }) => text),
    ].join('\n'),
    timeZone: start && zoneOf(start),
  };
}

interface Line {
  name: string;
  parameters: string[];
  value: string;
  text: string;
}

function readLine(text: string): Line {
  const [head = '', ...rest] = text.includes(':') ? text.split(':') : ['RRULE', text];
  const [property = '', ...parameters] = head.split(';');
  const name = property.toUpperCase();
  const value = rest.join(':').toUpperCase();
  if (!['RRULE', 'DTSTART', 'EXDATE', 'RDATE'].includes(name)) {
    throw new Error(`"${name.slice(0, 20)}" is not known here: there are DTSTART, RRULE, EXDATE and RDATE`);
  }
  if (name !== 'RRULE' && !value.split(',').every((time) => TIME.test(time))) {
    throw new Error(`${name} must hold times such as 20260131T090000`);
  }
  return { name, parameters, value, text: `${[name, ...parameters].join(';')}:${value}` };
}

function checkParts(rule: string, hasStart: boolean): void {
  const parts = new Map<string, string>();
  for (const part of rule.split(';')) {
    const [name = '', value = ''] = part.split('=');
    const isRight = Object.hasOwn(PARTS, name) ? PARTS[name] : undefined;
    if (!isRight) throw new Error(`"${name.slice(0, 20)}" is no part of a rule`);
    if (parts.has(name)) throw new Error(`${name} comes twice`);
    if (!isRight(value))
      throw new Error(
        `${name} cannot be "${value.slice(0, 40)}"${name === 'COUNT' ? `: at most ${MAX_COUNT}` : ''}`,
      );
    parts.set(name, value);
  }
  if (!parts.has('FREQ')) throw new Error('FREQ is missing');
  if (parts.has('COUNT') && !hasStart) throw new Error('COUNT needs a DTSTART to count from');
  if (parts.has('COUNT') && parts.has('UNTIL')) throw new Error('COUNT and UNTIL exclude each other');
  checkWork(parts);
  checkDays(parts);
}

/** Each period is worked out whole: a rule for every second of every day of a year takes minutes. */
function checkWork(parts: ReadonlyMap<string, string>): void {
  const spread = ['BYHOUR', 'BYMINUTE', 'BYSECOND'].slice(
    Math.max(0, FREQUENCIES.indexOf(parts.get('FREQ') ?? '') - 3),
  );
  const times = spread.reduce((product, name) => product * (parts.get(name)?.split(',').length ?? 1), 1);
  if (times <= MAX_TIMES_A_DAY) return;
  throw new Error(
    `${spread.join(' and ')} make ${times} times of each; at most ${MAX_TIMES_A_DAY}: use a shorter FREQ`,
  );
}

function checkDays(parts: ReadonlyMap<string, string>): void {
  const months = parts.get('BYMONTH')?.split(',').map(Number);
  const days = parts
    .get('BYMONTHDAY')
    ?.split(',')
    .map((day) => Math.abs(Number(day)));
  if (!months || !days) return;
  if (months.some((month) => days.some((day) => day <= (DAYS_IN_MONTH[month - 1] ?? 0)))) return;
  throw new Error('it never occurs: no such month has such a day');
}

function zoneOf({ parameters, value }: Line): string | undefined {
  const zone = parameters.find((parameter) => /^TZID=/i.test(parameter))?.slice('TZID='.length);
  return zone ?? (value.endsWith('Z') ? 'UTC' : undefined);
}
