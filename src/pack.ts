import type { Dialect } from './dialect.ts';
import type { AnyTask } from './task.ts';

/** A folder of task definitions with the HTTP routes and tables that go with them. */
export interface Pack<Name extends string = string, Tasks extends readonly AnyTask[] = readonly AnyTask[]> {
  name: Name;
  tasks: Tasks;
  /** Routes in a system's own words, mounted under a prefix of their own. */
  dialect?: Dialect;
  /** Folder of Drizzle migrations for the pack's own schema `pack_<name>`. */
  migrations?: URL;
  /** A first thing to try, for `lovage dev` to print: JSON without single quotes, or a file of it. */
  example?: { task: Tasks[number]['name']; input: string | URL };
}

export function definePack<const Name extends string, const Tasks extends readonly AnyTask[]>(
  pack: Pack<Name, Tasks>,
): Pack<Name, Tasks> {
  return pack;
}
