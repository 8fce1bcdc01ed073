import { sweepFields } from '../api/trpc/fields.ts';
import type { TaskFilter } from '../api/trpc/types.ts';
import { TASK_STATES } from '../wire.ts';
import { UsageError, type ValuesOf } from './command.ts';
import { listOf, text, time } from './options.ts';

export const FILTERS = {
  name: text('NAME', 'only tasks of this definition', 'tasks'),
  queue: text('QUEUE', 'only tasks of this queue', 'queues'),
  state: listOf(TASK_STATES, 'only tasks in these states, such as failed,expired'),
  tag: text('TAG', 'only tasks with this tag'),
  since: time('only tasks made then or later'),
  until: time('only tasks made before then'),
  'created-after': time('the same as --since'),
  'created-before': time('the same as --until'),
} as const;

const SAME = [
  ['since', 'created-after'],
  ['until', 'created-before'],
] as const;

/** Undefined where no filter was given. @throws UsageError naming the option that makes no sense. */
export function readFilter(values: ValuesOf<typeof FILTERS>): TaskFilter | undefined {
  const { name, queue, state, tag } = values;
  for (const [one, other] of SAME)
    if (values[one] !== undefined && values[other] !== undefined)
      throw new UsageError(`--${one} and --${other} are the same: give one of them`);
  const createdAfter = values.since ?? values['created-after'];
  const createdBefore = values.until ?? values['created-before'];
  const given = { name, queue, state, tag, createdAfter, createdBefore };
  const filter = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  if (Object.keys(filter).length === 0) return undefined;
  const { error } = sweepFields.safeParse(filter);
  if (!error) return filter;
  const [issue] = error.issues;
  throw new UsageError(`--${String(issue?.path[0])}: ${issue?.message}`);
}
