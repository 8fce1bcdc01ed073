import type { Config } from '../../config.ts';
import type { Operation, Paths } from './types.ts';

const DESCRIPTIONS: Record<string, string> = {
  tasks: 'One request to run a definition each: start, look at, wait for, cancel, run again, remove.',
  batches: 'Tasks that are accepted together, in one transaction, and whose end is one event.',
  streams: 'What happens, as it happens: Server-Sent Events.',
  schedules: 'Tasks that are started by the clock.',
  queues: 'Where tasks wait, and what holds them back.',
  workers: 'The processes that run tasks.',
  webhooks: 'Where to tell of the ends of tasks, and what was told.',
  keys: 'Who may call, and what.',
  archive: 'Where final tasks are kept, and until when.',
  audit: 'Who changed what, and when.',
  health: 'For load balancers and monitors.',
  trpc: 'The same verbs for typed clients: see `lovage/client`.',
  pages: 'This documentation.',
};

/** Every tag that an operation bears, in the order of the house; a pack's holds its tasks and its dialect. */
export function describeTags(paths: Paths, { packs }: Config): { name: string; description: string }[] {
  const used = new Set(Object.values(paths).flatMap((item) => Object.values(item).flatMap(tagsOf)));
  const known = [...Object.keys(DESCRIPTIONS), ...packs.map(({ name }) => name)];
  const order = [
    ...known.filter((name) => used.has(name)),
    ...[...used].filter((name) => !known.includes(name)),
  ];
  return [...new Set(order)].map((name) => ({
    name,
    description: DESCRIPTIONS[name] ?? `The tasks of the pack ${name}, and its own routes where it has some.`,
  }));
}

const tagsOf = ({ tags }: Operation): string[] => tags ?? [];
