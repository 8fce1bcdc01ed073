import { sweepFields } from '../api/trpc/fields.ts';
import type { SweepRequest } from '../tasks/pick.ts';
import { TASK_STATES } from '../wire.ts';
import { UsageError } from './command.ts';

export const FILTER_FLAGS = {
  name: { type: 'string' },
  queue: { type: 'string' },
  state: { type: 'string' },
  tag: { type: 'string' },
  'created-after': { type: 'string' },
  'created-before': { type: 'string' },
} as const;

export const FILTER_HELP: readonly [flag: string, meaning: string][] = [
  ['--name NAME', 'only tasks of this definition'],
  ['--queue QUEUE', 'only tasks of this queue'],
  ['--state a,b', `only tasks in these states: ${TASK_STATES.join(', ')}`],
  ['--tag TAG', 'only tasks with this tag'],
  ['--created-after T', 'only tasks made at this time or later (ISO 8601)'],
  ['--created-before T', 'only tasks made before this time'],
];

const FLAG_OF: Record<string, string> = { createdAfter: 'created-after', createdBefore: 'created-before' };

/** Undefined where no filter was given. @throws UsageError naming the flag that makes no sense. */
export function readFilter(
  values: Partial<Record<keyof typeof FILTER_FLAGS, string | boolean>>,
): SweepRequest | undefined {
  const text = (flag: keyof typeof FILTER_FLAGS) => values[flag] as string | undefined;
  const given = {
    name: text('name'),
    queue: text('queue'),
    state: text('state')?.split(','),
    tag: text('tag'),
    createdAfter: text('created-after'),
    createdBefore: text('created-before'),
  };
  if (Object.values(given).every((value) => value === undefined)) return undefined;
  const { data, error } = sweepFields.safeParse(given);
  if (data) return data;
  const [issue] = error.issues;
  const field = String(issue?.path[0]);
  throw new UsageError(`--${FLAG_OF[field] ?? field}: ${issue?.message}`);
}
