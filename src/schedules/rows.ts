import type { Rule } from './rule.ts';

/** What a schedule's tasks are enqueued with beside their input. */
export interface ScheduleOptions {
  priority?: number | undefined;
  tags?: readonly string[] | undefined;
}

/** As much of a schedule's row as it takes to run it. */
export interface ScheduleRow {
  id: string;
  tenant: string;
  name: string;
  taskName: string;
  input: unknown;
  options: ScheduleOptions;
  kind: Rule['kind'];
  expression: string;
  timeZone: string;
  missed: 'skip' | 'once';
}

export const RUNNABLE = `s.id, s.tenant, s.name, s.task_name AS "taskName", s.input, s.options, s.kind, s.expression,
  s.time_zone AS "timeZone", s.missed`;

export const ruleOf = ({ kind, expression, timeZone }: Rule): Rule => ({ kind, expression, timeZone });

/** Its tasks are found by this tag. */
export const tagOf = (name: string): string => `schedule:${name}`;
