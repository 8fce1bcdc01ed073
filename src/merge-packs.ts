import { isDeepStrictEqual } from 'node:util';
import { SetupError } from './errors.ts';
import type { Pack, QueueOptions, ScheduledTask } from './pack.ts';

type Queues = Record<string, QueueOptions>;
type Schedules = Record<string, ScheduledTask>;

/** Settings of queues, option by option: the configuration's own, else a pack's. @throws SetupError where two packs differ. */
export function mergeQueues(packs: readonly Pack[], own: Queues = {}): Map<string, QueueOptions> {
  const merged = new Map(Object.entries(own).map(([queue, options]) => [queue, { ...options }]));
  const saidBy = new Map<string, string>();
  for (const { name: pack, queues = {} } of packs) {
    for (const [queue, options] of Object.entries(queues)) {
      const all: Record<string, unknown> = merged.get(queue) ?? {};
      for (const [option, value] of Object.entries(options)) {
        const what = `queue "${queue}": ${option}`;
        const other = saidBy.get(what);
        if (all[option] === undefined) saidBy.set(what, pack);
        else if (other === undefined) continue;
        else if (!isDeepStrictEqual(all[option], value)) throw conflict(what, other, pack);
        all[option] = value;
      }
      merged.set(queue, all);
    }
  }
  return merged;
}

/** By name: the configuration's own, else a pack's. @throws SetupError where two packs have the same name. */
export function mergeSchedules(packs: readonly Pack[], own: Schedules = {}): Map<string, ScheduledTask> {
  const merged = new Map<string, ScheduledTask>();
  const saidBy = new Map<string, string>();
  for (const { name: pack, schedules = {} } of packs) {
    for (const [name, schedule] of Object.entries(schedules)) {
      const other = saidBy.get(name);
      if (other !== undefined && !Object.hasOwn(own, name)) throw conflict(`schedule "${name}"`, other, pack);
      saidBy.set(name, pack);
      merged.set(name, schedule);
    }
  }
  return new Map([...merged, ...Object.entries(own)]);
}

const conflict = (what: string, one: string, other: string): SetupError =>
  new SetupError(
    `${what}: packs "${one}" and "${other}" say different things; the configuration has to decide`,
  );
