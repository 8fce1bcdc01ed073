import { createTRPCClient, httpBatchLink, httpLink, splitLink, type TRPCClient } from '@trpc/client';
import type { EnqueueOptions } from '../api/trpc/fields.ts';
import type {
  AppRouter,
  BatchInput,
  InputNamed,
  ListFilter,
  NameOf,
  ResultNamed,
  Task,
  TaskFilter,
  TaskNamed,
} from '../api/trpc/types.ts';
import type { Config } from '../config.ts';
import type {
  AttemptView,
  CancelOutcome,
  EventView,
  ExplanationView,
  Page,
  QueueView,
  RetryOutcome,
} from '../wire.ts';
import type { AcceptedBatchView, BatchView } from '../wire/batches.ts';
import { toClientError } from './errors.ts';
import { resultOf, waitFor, waitForBatch, type WaitOptions } from './wait.ts';
import { watchTask, type TaskUpdate, type WatchOptions } from './watch.ts';

export { type ClientErrorCode, LovageClientError, TaskFailedError } from './errors.ts';
export type { WaitOptions } from './wait.ts';
export type { Progress, TaskUpdate, WatchOptions } from './watch.ts';
export type {
  AcceptedBatchView,
  AppRouter,
  AttemptView,
  BatchView,
  CancelOutcome,
  EnqueueOptions,
  EventView,
  ExplanationView,
  ListFilter,
  Page,
  QueueView,
  RetryOutcome,
  Task,
  TaskFilter,
};

export interface ClientOptions {
  /** Where Lovage answers, such as `http://127.0.0.1:3000`. */
  url: string;
  apiKey: string;
  /** Default: the global one. */
  fetch?: typeof globalThis.fetch;
}

type AcceptOptions = Omit<EnqueueOptions, 'waitMs' | 'include'>;

/** A client that knows the names, inputs and results of one configuration. */
export interface Client<C extends Config> {
  /** Starts a task; it is committed when this resolves. */
  enqueue<Name extends NameOf<C>>(
    name: Name,
    input: InputNamed<C, Name>,
    options?: AcceptOptions,
  ): Promise<TaskNamed<C, Name>>;
  /**
   * Starts a task and waits for its result.
   * @throws TaskFailedError when it ends without one. Giving up (`signal`, `timeoutMs`) does not cancel it.
   */
  run<Name extends NameOf<C>>(
    name: Name,
    input: InputNamed<C, Name>,
    options?: AcceptOptions & WaitOptions,
  ): Promise<ResultNamed<C, Name>>;
  /** The task once it is final, or as it stands when `timeoutMs` is over. */
  wait(id: string, options?: WaitOptions): Promise<TaskNamed<C, NameOf<C>>>;
  /**
   * Follows a task: its history, live progress, and in the end the task with its result. A connection that breaks is made again,
   * and nothing is missed or repeated. Leaving the loop stops watching; the task goes on.
   */
  watch(id: string, options?: WatchOptions): AsyncGenerator<TaskUpdate<TaskNamed<C, NameOf<C>>>, void>;
  /** A task at hand, whose result is typed by it. */
  watch<Shown extends Task>(task: Shown, options?: WatchOptions): AsyncGenerator<TaskUpdate<Shown>, void>;
  /** Starts up to 1,000 tasks together, all of them or none. */
  batch(
    tasks: BatchInput<C>['tasks'],
    options?: Omit<BatchInput<C>, 'tasks'> & { idempotencyKey?: string },
  ): Promise<AcceptedBatchView>;
  /** The batch once all its tasks are final, or as it stands when `timeoutMs` is over. */
  waitForBatch(id: string, options?: WaitOptions): Promise<BatchView>;
  /** The tasks of a batch in the order in which they were sent, their results inside. */
  batchTasks(id: string, page?: { cursor?: string; limit?: number }): Promise<Page<TaskNamed<C, NameOf<C>>>>;
  get(id: string): Promise<TaskNamed<C, NameOf<C>>>;
  list<Name extends NameOf<C> = NameOf<C>>(filter?: ListFilter<Name>): Promise<Page<TaskNamed<C, Name>>>;
  cancel(
    id: string,
    options?: { reason?: string },
  ): Promise<{ task: TaskNamed<C, NameOf<C>>; outcome: CancelOutcome }>;
  /** Runs a final task again under its own id: its budget is renewed, its history kept, a former result dropped. */
  retry(id: string): Promise<{ task: TaskNamed<C, NameOf<C>>; outcome: RetryOutcome }>;
  /** Why a task is not running now, the most decisive reason first. */
  explain(id: string): Promise<ExplanationView>;
  result(id: string): Promise<unknown>;
  /** The result of a task at hand, typed by it. */
  result<Shown extends Task>(task: Shown): Promise<NonNullable<Shown['result']>>;
  events(id: string, page?: { cursor?: string; limit?: number }): Promise<Page<EventView>>;
  attempts(id: string): Promise<Page<AttemptView>>;
  /** The tRPC client underneath. */
  trpc: TRPCClient<AppRouter<C>>;
}

/** `createClient<typeof config>({ url, apiKey })`; safe for browsers. Rejections are LovageClientError. */
export function createClient<C extends Config>(options: ClientOptions): Client<C> {
  const trpc = createTRPCClient<AppRouter>({ links: [linkTo(options)] });
  const call = <Answer>(answer: Promise<Answer>): Promise<Answer> =>
    answer.catch((error: unknown) => {
      throw toClientError(error);
    });
  const client: Client<Config> = {
    enqueue: (name, input, rest) => call(trpc.tasks.enqueue.mutate({ ...rest, name, input })),
    run: async (name, input, { timeoutMs, signal, ...rest } = {}) => {
      const { id } = await client.enqueue(name, input, rest);
      return call(
        resultOf(trpc, id, { ...(timeoutMs !== undefined && { timeoutMs }), ...(signal && { signal }) }),
      );
    },
    wait: (id, rest) => call(waitFor(trpc, id, rest)),
    watch: (task: string | Task, rest?: WatchOptions) =>
      watchTask(options, typeof task === 'string' ? task : task.id, rest) as never,
    batch: (tasks, rest) => call(trpc.batches.create.mutate({ ...rest, tasks })),
    waitForBatch: (id, rest) => call(waitForBatch(trpc, id, rest)),
    batchTasks: (id, page) => call(trpc.batches.tasks.query({ ...page, id, include: ['result'] })),
    get: (id) => call(trpc.tasks.get.query({ id })),
    list: (filter) => call(trpc.tasks.list.query(filter ?? {})),
    cancel: (id, rest) => call(trpc.tasks.cancel.mutate({ id, ...rest })),
    retry: (id) => call(trpc.tasks.retry.mutate({ id })),
    explain: (id) => call(trpc.tasks.explain.query({ id })),
    result: (task: string | Task) =>
      call(trpc.tasks.result.query({ id: typeof task === 'string' ? task : task.id })),
    events: (id, page) => call(trpc.tasks.events.query({ id, ...page })),
    attempts: (id) => call(trpc.tasks.attempts.query({ id })),
    trpc,
  };
  return client as unknown as Client<C>;
}

const MAX_BATCHED = 50;
/** So many of these are within the 6 MiB that a server takes, even where each character is three bytes. */
const MAX_BATCHED_CHARS = 40_000;

function linkTo({ url, apiKey, fetch }: ClientOptions) {
  const http = {
    url: `${url.replace(/\/$/, '')}/trpc`,
    headers: { authorization: `Bearer ${apiKey}` },
    ...(fetch && { fetch }),
  };
  return splitLink({
    // In a batch the slowest call holds up the others' answers, and together they must fit into one body.
    condition: ({ path, input, type }) =>
      path.endsWith('.wait') ||
      (input as { waitMs?: number } | undefined)?.waitMs !== undefined ||
      (type === 'mutation' && JSON.stringify(input ?? null).length > MAX_BATCHED_CHARS),
    true: httpLink(http),
    false: httpBatchLink({ ...http, maxItems: MAX_BATCHED, maxURLLength: 8000 }),
  });
}
