import type { z } from 'zod';
import type { Dialect } from './dialect.ts';
import type { AnyTask, InputOf } from './task.ts';

/** A folder of task definitions with the HTTP routes and tables that go with them. */
export interface Pack<Name extends string = string, Tasks extends readonly AnyTask[] = readonly AnyTask[]> {
  name: Name;
  tasks: Tasks;
  /** Routes in a system's own words, mounted under a prefix of their own. */
  dialect?: Dialect;
  /** Settings of its queues; what the configuration says of a queue wins, option by option. */
  queues?: Record<string, QueueOptions>;
  /** What it starts by itself, by the schedule's name; one of the same name in the configuration wins. */
  schedules?: Record<string, ScheduledTask>;
  /** The environment variables that it reads; a fault in them ends the start with a line each. */
  environment?: z.ZodType;
  /** Folder of Drizzle migrations for the pack's own schema `pack_<name>`. */
  migrations?: URL;
  /** A first thing to try, for `lovage dev` to print: JSON without single quotes, or a file of it. */
  example?: { task: Tasks[number]['name']; input: string | URL };
}

/** Where a dialect answers at the root `/`, beside its prefix. */
export interface Mount {
  /** On a port of its own. */
  port?: number;
  /** On the API's port, for requests to this host name. */
  host?: string;
  /** Its routes need no key: what they start and show belongs to the tenant `default`. */
  open?: boolean;
}

export interface QueueOptions {
  /** Slots that this queue may hold in one worker. Default: as many as the worker has. */
  concurrency?: number;
  /** At most so many of its tasks run at a time, over all workers. */
  clusterConcurrency?: number;
  /** At most so many of its tasks with the same concurrency key run at a time, over all workers. Default 1. */
  perKey?: number;
  /** At most `limit` of its attempts start in any `periodMs`, over all workers. */
  rate?: { limit: number; periodMs: number };
  /** For definitions that do not say: see `TaskOptions`. Default: `LOVAGE_ARCHIVE_AFTER_MS`, `LOVAGE_RETENTION_MS`. */
  archiveAfterMs?: number;
  retentionMs?: number;
  /** The same of results. */
  resultTtlMs?: number;
}

/** When a task is started by itself: give `cron` or `rrule`. */
export interface ScheduledTask<Task extends AnyTask = AnyTask> {
  task: Task;
  input: InputOf<Task>;
  /** Five fields, or six with seconds before them. */
  cron?: string;
  /** The lines of RFC 5545: `RRULE`, and `DTSTART` where it matters from when. */
  rrule?: string;
  /** An IANA name. Default UTC, or the one of `DTSTART`. */
  timeZone?: string;
  /** What becomes of the times at which no worker was there: nothing, or one run for all of them. Default `skip`. */
  missed?: 'skip' | 'once';
  priority?: number;
  tags?: readonly string[];
}

export function definePack<const Name extends string, const Tasks extends readonly AnyTask[]>(
  pack: Pack<Name, Tasks>,
): Pack<Name, Tasks> {
  return pack;
}
