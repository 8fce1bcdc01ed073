import type { Executor } from '../db/connect.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller } from '../wire.ts';
import type { OccurrencesView } from '../wire/schedules.ts';
import { scheduleNotFound } from './get.ts';
import { occurrencesAfter, readRule, type GivenRule, type Rule } from './rule.ts';

export const MAX_PREVIEW = 50;
const DEFAULT_PREVIEW = 10;

/** When a rule that is not saved would run next. @throws LovageError validation */
export async function previewRule(
  { pool }: Pick<Lovage, 'pool'>,
  { n = DEFAULT_PREVIEW, ...given }: GivenRule & { n?: number | undefined },
): Promise<OccurrencesView> {
  const rule = await readRule(given);
  return view(rule, await databaseTime(pool), n);
}

/** When a schedule runs next, were it not paused. @throws schedule-not-found */
export async function previewSchedule(
  { pool }: Pick<Lovage, 'pool'>,
  caller: Pick<Caller, 'tenant'>,
  name: string,
  { n = DEFAULT_PREVIEW }: { n?: number | undefined } = {},
): Promise<OccurrencesView> {
  const { rows } = await pool.query<Rule & { now: Date }>(
    `SELECT kind, expression, time_zone AS "timeZone", now() AS now FROM lovage.schedule
     WHERE tenant = $1 AND name = $2`,
    [caller.tenant, name],
  );
  const [schedule] = rows;
  if (!schedule) throw scheduleNotFound(name);
  return view(schedule, schedule.now, n);
}

export async function databaseTime(executor: Executor): Promise<Date> {
  const { rows } = await executor.query<{ now: Date }>('SELECT now() AS now');
  const [row] = rows;
  if (!row) throw new Error('Postgres did not say what time it is');
  return row.now;
}

const view = async (rule: Rule, after: Date, n: number): Promise<OccurrencesView> => ({
  timeZone: rule.timeZone,
  items: (await occurrencesAfter(rule, after, n)).map((time) => time.toISOString()),
});
