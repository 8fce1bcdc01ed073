import { randomUUID } from 'node:crypto';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { WaitingForChildren } from '../errors.ts';
import type { AnyTask, ChildOutcome, InputOf, OutputOf, Progress, RunContext, Vault } from '../task.ts';
import { DEFAULT_TENANT } from '../wire.ts';
import { createVault } from './vault.ts';

export interface RunOptions {
  /** The task's id; default: a new one. */
  id?: string;
  /** Whose task it is. Default `default`. */
  tenant?: string;
  /** Default: the same for all runs of this process. */
  vault?: Vault;
  /** Default 1. */
  attempt?: number;
  /** What the handler watches; default: one that is never aborted. */
  signal?: AbortSignal;
  /** For handlers that use `db` or `onSettle`. */
  db?: NodePgDatabase;
  /** By step: what `waitFor` finds of a child. Where one is missing, it throws as it does in a worker. */
  children?: Record<string, Partial<Omit<ChildOutcome, 'id' | 'name' | 'step'>>>;
}

export interface TaskRun<Definition extends AnyTask> {
  output: OutputOf<Definition>;
  progress: Progress[];
  log: { message: string; data?: Record<string, unknown> }[];
  /** The children that it has started. */
  children: { id: string; name: string; step: string; input: unknown }[];
}

const sharedVault = createVault();

/**
 * Calls a definition's handler once, with neither worker nor queue: its input is parsed as a worker would, its output checked.
 * Writes of `onSettle` run in one transaction of `db` afterwards. @throws what the handler throws, or a ZodError.
 */
export async function runTask<Definition extends AnyTask>(
  definition: Definition,
  input: InputOf<Definition>,
  options: RunOptions = {},
): Promise<TaskRun<Definition>> {
  const { id = randomUUID(), tenant = DEFAULT_TENANT, attempt = 1, db } = options;
  const { signal = new AbortController().signal, vault = sharedVault } = options;
  const run: Omit<TaskRun<Definition>, 'output'> = { progress: [], log: [], children: [] };
  const writes: Parameters<RunContext<unknown>['onSettle']>[0][] = [];
  const needDb = (): NodePgDatabase => {
    if (!db) throw new Error(`"${definition.name}" uses the database: give runTask() a db`);
    return db;
  };
  const output: unknown = await definition.run({
    input: await definition.input.parseAsync(input),
    id,
    tenant,
    attempt,
    signal,
    get db() {
      return needDb();
    },
    vault,
    progress: (progress) => void run.progress.push(progress),
    log: (message, data) => void run.log.push({ message, ...(data && { data }) }),
    onSettle: (write) => void writes.push(write),
    enqueue: async (child, given, { step }) => {
      const made = { id: randomUUID(), name: child.name, step };
      run.children.push({ ...made, input: given });
      return made;
    },
    waitFor: async (children) => {
      const ended = options.children ?? {};
      if (!children.every(({ step }) => step in ended))
        throw new WaitingForChildren(children.map((child) => child.id));
      const none = { state: 'succeeded', result: null, error: null };
      return children.map((child) => ({ ...child, ...none, ...ended[child.step] })) as never;
    },
  });
  const parsed = (await definition.output.parseAsync(output)) as OutputOf<Definition>;
  if (writes.length > 0) {
    await needDb().transaction(async (tx) => {
      for (const write of writes) await write(tx);
    });
  }
  return { output: parsed, ...run };
}
