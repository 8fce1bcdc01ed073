import { randomBytes } from 'node:crypto';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Task } from '../api/trpc/types.ts';
import { startApi, type Api } from '../api/server.ts';
import type { Config } from '../config.ts';
import { createAuthenticator } from '../keys/authenticate.ts';
import { createLog } from '../log.ts';
import type { Mounts } from '../mounts.ts';
import { openLovage } from '../open.ts';
import type { AnyTask, InputOf } from '../task.ts';
import { cancelTask } from '../tasks/cancel.ts';
import { enqueueTask, type EnqueueRequest } from '../tasks/enqueue.ts';
import { listEvents } from '../tasks/events.ts';
import { getTask } from '../tasks/get.ts';
import { waitForTask } from '../tasks/wait.ts';
import { isFinal, SCOPES, type Caller, type EventView } from '../wire.ts';
import { startWorker } from '../worker/start.ts';
import { advanceClock } from './clock.ts';
import { untilIdle } from './idle.ts';
import { makeDatabase } from './throw-away-database.ts';

export interface TestOptions {
  /** The server on which databases are made and dropped. Default: an embedded one that all tests of this machine share. */
  serverUrl?: string;
  /**
   * The file that default-exports the configuration. With it definitions of isolation `process` run in child processes; without
   * it they run inline.
   */
  configFile?: string;
  /** Attempts at a time. Default 10. */
  concurrency?: number;
  /** Default `silent`; the log goes to stderr. */
  logLevel?: string;
}

type EnqueueOptions = Omit<EnqueueRequest, 'name' | 'input'>;

/** A whole Lovage on a database of its own: everything it started ends with it, and the database is dropped. */
export interface TestLovage extends AsyncDisposable {
  databaseUrl: string;
  db: NodePgDatabase;
  enqueue<Definition extends AnyTask>(
    definition: Definition,
    input: InputOf<Definition>,
    options?: EnqueueOptions,
  ): Promise<Task<Definition>>;
  /** The task once it is final, its result inside. @throws Error when it is not within `timeoutMs` (default 30 s). */
  run<Definition extends AnyTask>(
    definition: Definition,
    input: InputOf<Definition>,
    options?: EnqueueOptions & { timeoutMs?: number },
  ): Promise<Task<Definition>>;
  get(id: string): Promise<Task>;
  events(id: string): Promise<EventView[]>;
  cancel(id: string, reason?: string): Promise<void>;
  /** Waits until nothing runs and nothing is due. @throws Error naming what is left after `timeoutMs` (default 30 s). */
  idle(options?: { timeoutMs?: number }): Promise<void>;
  /** As if so many milliseconds had passed: delays, retries, schedules and times to live come due. */
  advance(ms: number): Promise<void>;
  /** Serves the API on a free port, with a key of all rights. */
  serve(): Promise<{ url: string; apiKey: string }>;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** Opens a throw-away database, migrates it for a configuration and starts a worker on it, in this process. */
export async function openTestLovage(given: Config, options: TestOptions = {}): Promise<TestLovage> {
  const config = options.configFile === undefined ? allInline(given) : given;
  const database = await makeDatabase(given, options.serverUrl);
  const log = createLog({ level: options.logLevel ?? 'silent' });
  const secret = randomBytes(32).toString('base64url');
  const lovage = await openLovage({ config, url: database.url, secret, log });
  const worker = await startWorker({
    config,
    configFile: options.configFile ?? '',
    url: database.url,
    secret,
    log,
    slots: options.concurrency,
    version: 'test',
  });
  const caller: Caller = { actor: 'test', tenant: 'default', scopes: new Set(SCOPES) };
  let serving: Promise<{ api: Api; apiKey: string }> | undefined;

  const test: TestLovage = {
    databaseUrl: database.url,
    db: lovage.db,
    enqueue: (definition, input, more) =>
      enqueueTask(lovage, caller, { ...more, name: definition.name, input }),
    async run(definition, input, { timeoutMs = DEFAULT_TIMEOUT_MS, ...more } = {}) {
      const { id } = await test.enqueue(definition, input, more);
      const task = await waitForTask(lovage, caller, id, { timeoutMs });
      if (!isFinal(task.state)) throw new Error(`task ${id} is still ${task.state} after ${timeoutMs} ms`);
      return task;
    },
    get: (id) => getTask(lovage, caller, id),
    events: async (id) => (await listEvents(lovage, caller, id, { limit: 200 })).items,
    cancel: async (id, reason) => void (await cancelTask(lovage, caller, id, { reason })),
    idle: ({ timeoutMs = DEFAULT_TIMEOUT_MS } = {}) => untilIdle(lovage.pool, timeoutMs),
    advance: (ms) => advanceClock(lovage.pool, ms),
    async serve() {
      const { api, apiKey } = await (serving ??= serve());
      return { url: api.url, apiKey };
    },
    async [Symbol.asyncDispose]() {
      if (serving) await (await serving).api.close(0);
      await worker.drain(0);
      await lovage.close();
      await database.drop();
    },
  };

  async function serve(): Promise<{ api: Api; apiKey: string }> {
    const apiKey = randomBytes(24).toString('base64url');
    const api = await startApi({
      lovage,
      authenticator: createAuthenticator(lovage.pool, apiKey),
      settings: { host: '127.0.0.1', port: 0, maxBodyBytes: 6 * 1024 * 1024 },
      mounts: onFreePorts(lovage.config.mounts),
      isWorkerReady: worker.isReady,
      version: 'test',
    });
    return { api, apiKey };
  }
  return test;
}

/** Several tests at a time cannot all have the ports of the configuration. */
const onFreePorts = (mounts: Mounts): Mounts =>
  new Map(
    [...mounts].map(([pack, mount]) => [pack, mount.port === undefined ? mount : { ...mount, port: 0 }]),
  );

/** Children would have to find the configuration in a file. */
function allInline(config: Config): Config {
  const tasks = [...config.tasks].map(([name, task]) => [name, { ...task, isolation: 'inline' }] as const);
  return { ...config, tasks: new Map(tasks) };
}
