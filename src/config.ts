import { SetupError } from './errors.ts';
import { mergeQueues, mergeSchedules } from './merge-packs.ts';
import { checkMounts, type Mounts } from './mounts.ts';
import type { Mount, Pack, QueueOptions, ScheduledTask } from './pack.ts';
import { isQueueName, keepingMs, type AnyTask } from './task.ts';

export type { Mount, QueueOptions, ScheduledTask };

export interface ConfigOptions<Packs extends readonly Pack[], Scheduled extends Record<string, AnyTask>> {
  packs: Packs;
  /** Settings of queues; a queue that a definition names need not be listed. */
  queues?: Record<string, QueueOptions>;
  /** By name. What is taken out here is gone with the next start. */
  schedules?: { [Name in keyof Scheduled]: ScheduledTask<Scheduled[Name]> };
  /** By the name of a pack: where its dialect is mounted beside its prefix. `LOVAGE_<PACK>_PORT`, `_HOST` and `_OPEN` win over it. */
  mounts?: Record<string, Mount>;
}

export interface Config<Packs extends readonly Pack[] = readonly Pack[]> {
  packs: Packs;
  queues: ReadonlyMap<string, QueueOptions>;
  tasks: ReadonlyMap<string, AnyTask>;
  schedules: ReadonlyMap<string, ScheduledTask>;
  mounts: Mounts;
}

type TaskOf<C extends Config> = C['packs'][number]['tasks'][number];
/** Every definition of a configuration by its name: what types a client. */
export type TasksOf<C extends Config> = { [Task in TaskOf<C> as Task['name']]: Task };

const MAX_QUEUES = 200;

/** Where Lovage's own tasks wait, such as the deliveries of webhooks; every worker serves it. */
export const HOUSEKEEPING_QUEUE = 'lovage';
/** Deliveries to one host at a time, over all workers: one that is slow keeps no others waiting. */
const PER_HOST = 5;
/** Its tasks are of little interest after a week. */
const HOUSEKEEPING: QueueOptions = {
  perKey: PER_HOST,
  archiveAfterMs: 86_400_000,
  retentionMs: 7 * 86_400_000,
};
const isReserved = (name: string): boolean =>
  name === HOUSEKEEPING_QUEUE || name.startsWith(`${HOUSEKEEPING_QUEUE}.`);

/** A configuration with Lovage's own queue, as a database needs it. */
export const withHousekeepingQueue = <C extends Pick<Config, 'queues'>>(config: C): C => ({
  ...config,
  queues: new Map([...config.queues, [HOUSEKEEPING_QUEUE, HOUSEKEEPING]]),
});

/** Registers packs. @throws SetupError on a name used twice, a queue setting out of range, too many queues. */
export function defineConfig<const Packs extends readonly Pack[], Scheduled extends Record<string, AnyTask>>(
  options: ConfigOptions<Packs, Scheduled>,
): Config<Packs> {
  const tasks = new Map<string, AnyTask>();
  const queues = mergeQueues(options.packs, options.queues);
  for (const pack of options.packs) {
    for (const task of pack.tasks) {
      if (isReserved(task.name)) {
        throw new SetupError(
          `task definition "${task.name}": names that begin with "lovage." are Lovage's own`,
        );
      }
      if (tasks.has(task.name)) {
        throw new SetupError(
          `task definition "${task.name}" is registered twice (again by pack "${pack.name}")`,
        );
      }
      tasks.set(task.name, task);
      if (!queues.has(task.queue)) queues.set(task.queue, {});
    }
  }
  for (const [name, queue] of queues) checkQueue(name, queue);
  if (queues.size > MAX_QUEUES) {
    throw new SetupError(`${queues.size} queues are declared; Postgres serves at most ${MAX_QUEUES} well`);
  }
  const mounts = new Map(Object.entries(options.mounts ?? {}));
  checkMounts(options.packs, mounts);
  const schedules = mergeSchedules(options.packs, options.schedules);
  return { packs: options.packs, queues, tasks, schedules, mounts };
}

/** Postgres counts no further. */
const MAX_COUNT = 2_147_483_647;

function checkQueue(name: string, options: QueueOptions): void {
  if (isReserved(name)) throw new SetupError(`queue "${name}": the name is Lovage's own`);
  if (!isQueueName(name)) {
    throw new SetupError(`queue "${name}": a name is up to 60 letters, digits, "_" and "-"`);
  }
  const { concurrency, clusterConcurrency, perKey, rate } = options;
  const counts = { concurrency, clusterConcurrency, perKey };
  for (const [option, count] of Object.entries(counts))
    if (count !== undefined) checkCount(name, option, count);
  for (const option of ['archiveAfterMs', 'retentionMs', 'resultTtlMs'] as const) {
    const { error } = keepingMs.optional().safeParse(options[option]);
    if (error) throw new SetupError(`queue "${name}": ${option}: ${error.issues[0]?.message}`);
  }
  if (rate === undefined) return;
  checkCount(name, 'rate.limit', rate.limit);
  checkCount(name, 'rate.periodMs', rate.periodMs);
}

function checkCount(queue: string, option: string, count: number): void {
  if (!Number.isInteger(count) || count < 1) {
    throw new SetupError(`queue "${queue}": ${option} must be a whole number above 0, got ${count}`);
  }
  if (count > MAX_COUNT) {
    throw new SetupError(`queue "${queue}": ${option} must be at most ${MAX_COUNT}, got ${count}`);
  }
}
