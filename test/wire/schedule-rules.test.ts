import { describe, expect, test } from 'vitest';
import { LovageError } from '../../src/errors.ts';
import { firstOccurrence, occurrencesAfter, readRule, type GivenRule } from '../../src/schedules/rule.ts';

const BERLIN = 'Europe/Berlin';

async function times(given: GivenRule, after: string, count: number): Promise<string[]> {
  const found = await occurrencesAfter(await readRule(given), new Date(after), count);
  return found.map((time) => time.toISOString().replace(':00.000Z', 'Z'));
}

async function refusal(given: GivenRule): Promise<string> {
  try {
    await firstOccurrence(await readRule(given), new Date('2026-01-01T00:00Z'));
  } catch (error) {
    if (error instanceof LovageError && error.code === 'validation') {
      return error.faults.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; ');
    }
    throw error;
  }
  throw new Error(`it was taken: ${JSON.stringify(given).slice(0, 200)}`);
}

describe('where the clocks change, cron at 02:30', () => {
  const cron = { cron: '30 2 * * *', timeZone: BERLIN };

  test('runs once on the day whose 02:30 is left out, an hour later', async () => {
    const days = ['2026-03-28T01:30Z', '2026-03-29T01:30Z', '2026-03-30T00:30Z'];
    expect(await times(cron, '2026-03-27T12:00Z', 3)).toEqual(days);
    // The same from within the hour after the change, where the parser has not seen it.
    expect(await times(cron, '2026-03-29T01:00Z', 2)).toEqual(days.slice(1));
    expect(await times(cron, '2026-03-29T01:29:59Z', 2)).toEqual(days.slice(1));
    expect(await times(cron, '2026-03-29T01:30Z', 1)).toEqual(days.slice(2));
  });

  test('runs once on the day whose 02:30 comes twice, the first time', async () => {
    const days = ['2026-10-24T00:30Z', '2026-10-25T00:30Z', '2026-10-26T01:30Z'];
    expect(await times(cron, '2026-10-23T12:00Z', 3)).toEqual(days);
    for (const within of [
      '2026-10-25T00:30Z',
      '2026-10-25T00:59:59Z',
      '2026-10-25T01:05Z',
      '2026-10-25T01:30Z',
    ]) {
      expect(await times(cron, within, 1), within).toEqual(days.slice(2));
    }
  });

  test('every half hour goes on by the time that passes', async () => {
    const halves = { cron: '*/30 * * * *', timeZone: BERLIN };
    const gone = await times(halves, '2026-10-24T23:45Z', 6);
    expect(gone).toEqual(
      ['00:00', '00:30', '01:00', '01:30', '02:00', '02:30'].map((at) => `2026-10-25T${at}Z`),
    );
    expect(await times(halves, '2026-10-25T01:05Z', 1)).toEqual(['2026-10-25T01:30Z']);
    expect(await times(halves, '2026-03-29T00:45Z', 2)).toEqual(['2026-03-29T01:00Z', '2026-03-29T01:30Z']);
  });
});

test('where the clocks change, a recurrence leaves out what does not exist, as RFC 5545 has it', async () => {
  const rrule = { rrule: 'RRULE:FREQ=DAILY;BYHOUR=2;BYMINUTE=30', timeZone: BERLIN };
  expect(await times(rrule, '2026-03-27T12:00Z', 2)).toEqual(['2026-03-28T01:30Z', '2026-03-30T00:30Z']);
  expect(await times(rrule, '2026-10-24T12:00Z', 2)).toEqual(['2026-10-25T00:30Z', '2026-10-26T01:30Z']);
  expect(await times(rrule, '2026-10-25T01:05Z', 1)).toEqual(['2026-10-26T01:30Z']);
});

test('leap days are found eight years ahead', async () => {
  const days = ['2104-02-29T03:00Z', '2108-02-29T03:00Z'];
  expect(await times({ cron: '0 3 29 2 *' }, '2096-03-01T00:00Z', 2)).toEqual(days);
  expect(
    await times({ rrule: 'DTSTART:20000229T030000Z\nRRULE:FREQ=YEARLY' }, '2096-03-01T00:00Z', 2),
  ).toEqual(days);
});

test('a recurrence ends with its COUNT or its UNTIL', async () => {
  const start = `DTSTART;TZID=${BERLIN}:20260105T090000`;
  const mondays = ['2026-01-05T08:00Z', '2026-01-12T08:00Z', '2026-01-19T08:00Z'];
  expect(
    await times({ rrule: `${start}\nRRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3` }, '2026-01-01T00:00Z', 9),
  ).toEqual(mondays);
  const until = `${start}\nRRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20260119T080000Z`;
  expect(await times({ rrule: until }, '2026-01-01T00:00Z', 9)).toEqual(mondays);
  expect(
    await times({ rrule: `${until}\nEXDATE;TZID=${BERLIN}:20260112T090000` }, '2026-01-05T08:00Z', 9),
  ).toEqual(mondays.slice(2));
});

test('a recurrence is read in the zone of its DTSTART, else in the one given, else in UTC', async () => {
  const zoneOf = async (given: GivenRule) => (await readRule(given)).timeZone;
  expect(await zoneOf({ rrule: `DTSTART;TZID=${BERLIN}:20260101T090000\nRRULE:FREQ=DAILY` })).toBe(BERLIN);
  expect(await zoneOf({ rrule: 'DTSTART:20260101T090000\nRRULE:FREQ=DAILY', timeZone: BERLIN })).toBe(BERLIN);
  expect(await zoneOf({ rrule: 'FREQ=DAILY' })).toBe('UTC');
  expect(
    await times({ rrule: 'freq=monthly;byday=-1fr;byhour=9', timeZone: BERLIN }, '2026-03-01T00:00Z', 2),
  ).toEqual(['2026-03-27T08:00Z', '2026-04-24T07:00Z']);
});

test('cron takes seconds, and nothing runs more often than once a second', async () => {
  expect(await times({ cron: '* * * * * *' }, '2026-01-01T00:00:00.250Z', 2)).toEqual([
    '2026-01-01T00:00:01.000Z',
    '2026-01-01T00:00:02.000Z',
  ]);
  expect(await times({ rrule: 'FREQ=SECONDLY' }, '2026-01-01T00:00:00.250Z', 1)).toEqual([
    '2026-01-01T00:00:01.000Z',
  ]);
  expect(await times({ cron: ' @daily ' }, '2026-01-01T00:00Z', 1)).toEqual(['2026-01-02T00:00Z']);
});

const all = (count: number) => Array.from({ length: count }, (_, i) => i).join(',');
const START = 'DTSTART;TZID=Europe/Berlin:20000101T000000\nRRULE:';
const hostile: [GivenRule, RegExp][] = [
  [{}, /^\/cron give either/],
  [{ cron: '* * * * *', rrule: 'FREQ=DAILY' }, /^\/cron give either/],
  [{ cron: '' }, /^\/cron must have five fields/],
  [{ cron: '5 4 3' }, /^\/cron must have five fields/],
  [{ cron: '* * * * * * *' }, /^\/cron must have five fields/],
  [{ cron: 'H 3 * * *' }, /^\/cron H is not known/],
  [{ cron: '@reboot' }, /^\/cron must be one of @yearly/],
  [{ cron: '60 * * * *' }, /^\/cron .*range 0-59/],
  [{ cron: '0 0 30 2 *' }, /^\/cron /],
  [{ cron: '*/0 * * * *' }, /^\/cron /],
  [{ cron: '__proto__ * * * *' }, /^\/cron /],
  [{ cron: `${'1,'.repeat(100_000)}1 * * * *` }, /^\/cron must be at most/],
  [{ cron: '0 0 * * *', timeZone: 'Mars/Olympus' }, /^\/timeZone "Mars\/Olympus" is no time zone/],
  [{ cron: '0 0 * * *', timeZone: 'local' }, /^\/timeZone/],
  [{ cron: '0 0 * * *', timeZone: '+05:30' }, /^\/timeZone/],
  [{ cron: '0 0 * * *', timeZone: '' }, /^\/timeZone/],
  [{ rrule: '' }, /^\/rrule must hold one RRULE/],
  [{ rrule: 'hello' }, /^\/rrule "HELLO" is no part/],
  [{ rrule: 'FREQ=DAILY;FREQ=DAILY' }, /^\/rrule FREQ comes twice/],
  [{ rrule: 'FREQ=SOMETIMES' }, /^\/rrule FREQ cannot be/],
  [{ rrule: 'FREQ=DAILY;CONSTRUCTOR=1' }, /^\/rrule "CONSTRUCTOR" is no part/],
  [{ rrule: 'FREQ=DAILY;BYHOUR=25' }, /^\/rrule BYHOUR cannot be "25"/],
  [{ rrule: 'FREQ=DAILY;INTERVAL=0' }, /^\/rrule INTERVAL/],
  [{ rrule: 'FREQ=DAILY;COUNT=3' }, /^\/rrule COUNT needs a DTSTART/],
  [{ rrule: `${START}FREQ=SECONDLY;COUNT=999999999` }, /^\/rrule COUNT cannot be .* at most 1000/],
  [{ rrule: 'FREQ=DAILY\nRRULE:FREQ=WEEKLY' }, /^\/rrule must hold one RRULE/],
  [{ rrule: 'FREQ=DAILY\nEXRULE:FREQ=WEEKLY' }, /^\/rrule "EXRULE" is not known/],
  [{ rrule: 'RSCALE=HEBREW;FREQ=YEARLY' }, /^\/rrule "RSCALE" is no part/],
  [{ rrule: 'DTSTART:20261301T000000Z\nRRULE:FREQ=DAILY' }, /^\/rrule .*month/],
  [{ rrule: 'DTSTART;TZID=Mars/X:20260101T000000\nRRULE:FREQ=DAILY' }, /^\/rrule "Mars\/X" is no time zone/],
  [{ rrule: `${START}FREQ=DAILY`, timeZone: 'Asia/Tokyo' }, /^\/timeZone DTSTART is in Europe\/Berlin/],
  [
    { rrule: 'DTSTART:20250101T000000Z\nRRULE:FREQ=DAILY;UNTIL=20250301T000000Z' },
    /^\/rrule it does not occur/,
  ],
  [{ rrule: `${START}FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30` }, /^\/rrule it never occurs/],
  [{ rrule: `${START}FREQ=SECONDLY;INTERVAL=60;BYSECOND=1` }, /^\/rrule it does not occur/],
  [{ rrule: `${START}FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=5` }, /^\/rrule it does not occur/],
  [{ rrule: `${START}FREQ=YEARLY;BYWEEKNO=10;BYMONTH=12` }, /^\/rrule it does not occur/],
  [
    { rrule: `${START}FREQ=YEARLY;BYHOUR=${all(24)};BYMINUTE=${all(60)};BYSECOND=${all(60)}` },
    /^\/rrule BYHOUR and BYMINUTE and BYSECOND make 86400 times/,
  ],
  [{ rrule: 'DTSTART:99990101T000000Z\nRRULE:FREQ=DAILY' }, /^\/rrule it does not occur/],
];

test('what is no rule, never occurs or asks for endless work is refused, each time soon', async () => {
  await refusal({ rrule: `${START}FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=5` });
  for (const [given, reason] of hostile) {
    const from = performance.now();
    expect(await refusal(given), JSON.stringify(given).slice(0, 200)).toMatch(reason);
    expect(performance.now() - from, JSON.stringify(given).slice(0, 200)).toBeLessThan(1_500);
  }
});
