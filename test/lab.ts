import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import type { AnyTask, InputOf } from '../src/task.ts';
import { loadConfig } from '../src/load-config.ts';
import { createLog } from '../src/log.ts';
import type { Lovage } from '../src/lovage.ts';
import { openLovage } from '../src/open.ts';
import { enqueueTask, type EnqueueRequest } from '../src/tasks/enqueue.ts';
import { listEvents } from '../src/tasks/events.ts';
import { getTask } from '../src/tasks/get.ts';
import { waitForTask } from '../src/tasks/wait.ts';
import { startWorker, type RunningWorker, type WorkerOptions } from '../src/worker/start.ts';
import { isFinal, SCOPES, type Caller, type EventView, type TaskView } from '../src/wire.ts';
import { configFile, onServer, withDatabase } from './global-setup.ts';

export { configFile } from './global-setup.ts';

/** A database of its own, with what a test needs to drive Lovage in it. Everything it starts ends with it. */
export interface Lab extends AsyncDisposable {
  url: string;
  lovage: Lovage;
  caller: Caller;
  enqueue<Task extends AnyTask>(
    task: Task,
    input: InputOf<Task>,
    options?: Partial<EnqueueRequest>,
  ): Promise<TaskView>;
  /** A worker in this process. */
  worker(options?: Partial<WorkerOptions>): Promise<RunningWorker>;
  /** A real `lovage` process on this database. */
  spawn(args: readonly string[], env?: Record<string, string>): Promise<LabProcess>;
  get(id: string): Promise<TaskView>;
  /** The task once it is final. */
  final(id: string): Promise<TaskView>;
  events(id: string): Promise<EventView[]>;
  eventTypes(id: string): Promise<string[]>;
  sql<Row extends object = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>;
  violations(): Promise<unknown[]>;
}

export interface LabProcess {
  child: ChildProcess;
  output: () => string;
  exited: Promise<number | NodeJS.Signals>;
}

export async function openLab(): Promise<Lab> {
  const database = `lovage_lab_${randomUUID().replaceAll('-', '')}`;
  const serverUrl = inject('serverUrl');
  await createDatabase(serverUrl, database);
  const url = withDatabase(serverUrl, database);
  const config = await loadConfig(configFile);
  const log = createLog({ level: process.env['LOVAGE_LOG_LEVEL'] });
  const lovage = await openLovage({ config, url, log });
  const caller: Caller = { actor: 'key:test', tenant: 'default', scopes: new Set(SCOPES) };
  const endings: (() => Promise<unknown>)[] = [];

  const sql = async <Row extends object>(text: string, values: unknown[] = []) =>
    (await lovage.pool.query(text, values)).rows as Row[];

  return {
    url,
    lovage,
    caller,
    sql,
    enqueue: (task, input, options) => enqueueTask(lovage, caller, { ...options, name: task.name, input }),
    async worker(options) {
      const worker = await startWorker({ config, configFile, url, log, version: 'test', ...options });
      endings.push(() => worker.drain(0));
      return worker;
    },
    async spawn(args, env = {}) {
      const started = spawnLovage(args, { DATABASE_URL: url, LOVAGE_CONFIG: configFile, ...env });
      endings.push(async () => {
        started.child.kill('SIGKILL');
        await started.exited;
      });
      return started;
    },
    get: (id) => getTask(lovage, caller, id),
    async final(id) {
      const task = await waitForTask(lovage, caller, id, { timeoutMs: 40_000 });
      if (!isFinal(task.state)) throw new Error(`task ${id} is still ${task.state}`);
      return task;
    },
    events: async (id) => (await listEvents(lovage, caller, id, { limit: 200 })).items,
    eventTypes: async (id) =>
      (await listEvents(lovage, caller, id, { limit: 200 })).items.map((event) => event.type),
    violations: () => sql('SELECT * FROM lovage.check_invariants()'),
    async [Symbol.asyncDispose]() {
      for (const end of endings.toReversed()) await end();
      await lovage.close();
      await onServer(serverUrl, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
    },
  };
}

/** Starts the command line as a user would, in a checkout. */
export function spawnLovage(args: readonly string[], env: Record<string, string>): LabProcess {
  const bin = new URL('../bin/lovage.js', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--conditions=lovage-source', bin, ...args], {
    env: { ...process.env, LOVAGE_DIAG: '1', LOVAGE_LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exited = once(child, 'exit').then(([code, signal]) => (signal ?? code) as number | NodeJS.Signals);
  return { child, output: () => text, exited };
}

/** Asks until the condition holds; what it last saw is in the error. */
export async function until<Value>(
  look: () => Promise<Value> | Value,
  holds: (value: Value) => boolean = Boolean,
  withinMs = 30_000,
): Promise<Value> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await look();
    if (holds(value)) return value;
    if (performance.now() > deadline)
      throw new Error(`not within ${withinMs} ms; last seen: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Another file may be cloning the template at this moment, which Postgres allows one at a time. */
async function createDatabase(serverUrl: string, database: string): Promise<void> {
  await until(() =>
    onServer(serverUrl, `CREATE DATABASE ${database} TEMPLATE ${inject('template')}`).then(
      () => true,
      (error: { code?: string }) => {
        if (error.code === '55006') return false;
        throw error;
      },
    ),
  );
}
