import type { Executor } from '../db/connect.ts';
import type { ScheduleView } from '../wire/schedules.ts';
import type { GivenRule, Rule } from './rule.ts';

export interface NewSchedule extends GivenRule {
  name: string;
  /** The name of the definition. */
  task: string;
  /** In its wire form. */
  input: unknown;
  missed?: 'skip' | 'once' | undefined;
  priority?: number | undefined;
  tags?: readonly string[] | undefined;
}

export interface CheckedSchedule extends NewSchedule {
  rule: Rule;
  nextAt: Date | null;
}

/**
 * Writes schedules, new or over those of the same names; the config's go over the API's and never the other way round. Returns what
 * was written.
 */
export async function saveSchedules(
  executor: Executor,
  save: {
    tenant: string;
    createdBy: string;
    source: ScheduleView['source'];
    schedules: readonly CheckedSchedule[];
  },
): Promise<{ name: string; isNew: boolean }[]> {
  const rows = save.schedules.map(({ name, task, input, priority, tags, missed, rule, nextAt }) => ({
    name,
    task,
    input: input ?? null,
    options: { priority, tags },
    missed: missed ?? 'skip',
    nextAt,
    ...rule,
  }));
  const { rows: saved } = await executor.query<{ name: string; isNew: boolean }>(
    `INSERT INTO lovage.schedule AS s
       (id, tenant, name, task_name, input, options, kind, expression, time_zone, missed, source, next_at, created_by)
     SELECT lovage.uuid_v7(), $2, n.name, n.task, n.input, n.options, n.kind, n.expression, n."timeZone", n.missed, $3,
            n."nextAt", $4
     FROM jsonb_to_recordset($1) AS n (name text, task text, input jsonb, options jsonb, kind text, expression text,
                                       "timeZone" text, missed text, "nextAt" timestamptz)
     ORDER BY n.name
     ON CONFLICT (tenant, name) DO UPDATE
     SET task_name = excluded.task_name, input = excluded.input, options = excluded.options, kind = excluded.kind,
         expression = excluded.expression, time_zone = excluded.time_zone, missed = excluded.missed,
         source = excluded.source,
         updated_at = CASE WHEN (s.task_name, s.input, s.options, s.kind, s.expression, s.time_zone, s.missed, s.source)
                                IS DISTINCT FROM
                                (excluded.task_name, excluded.input, excluded.options, excluded.kind, excluded.expression,
                                 excluded.time_zone, excluded.missed, excluded.source)
                           THEN now() ELSE s.updated_at END,
         next_at = CASE WHEN (s.kind, s.expression, s.time_zone) = (excluded.kind, excluded.expression, excluded.time_zone)
                        THEN s.next_at ELSE excluded.next_at END
     WHERE excluded.source = 'config' OR s.source = 'api'
     RETURNING s.name, s.xmax = 0 AS "isNew"`,
    [JSON.stringify(rows), save.tenant, save.source, save.createdBy],
  );
  return saved;
}
