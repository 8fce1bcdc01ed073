import type { ArchivePlanView } from '../../wire/archive.ts';
import type {
  TRPCBuiltRouter,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCSubscriptionProcedure,
} from '@trpc/server';
import type { z } from 'zod';
import type { Config, TasksOf } from '../../config.ts';
import type { Json } from '../../json/json.ts';
import type { AnyTask, InputOf, OutputOf } from '../../task.ts';
import type { CancelledTasks } from '../../tasks/cancel-all.ts';
import type { TenantNews } from '../../tasks/watch-many.ts';
import type { RetriedTasks } from '../../tasks/retry-all.ts';
import type {
  AttemptView,
  CancelOutcome,
  EventView,
  ExplanationView,
  Page,
  PauseOutcome,
  QueueView,
  ResumeOutcome,
  RetryOutcome,
  TaskState,
  TaskView,
} from '../../wire.ts';
import type {
  OccurrencesView,
  PutScheduleOutcome,
  ScheduleRunView,
  ScheduleView,
} from '../../wire/schedules.ts';
import type { AuditView } from '../../wire/audit.ts';
import type { KeyView, NewKeyView, RevokeOutcome } from '../../wire/key.ts';
import type { StreamedEvent, StreamTicket } from '../../wire/streams.ts';
import type { StatsView } from '../../wire/stats.ts';
import type { DrainOutcome, WorkerState, WorkerView } from '../../wire/worker.ts';
import type { AcceptedBatchView, BatchView, CancelBatchOutcome } from '../../wire/batches.ts';
import type { BatchFields, MemberOptions } from './batch-fields.ts';
import type { EnqueueOptions, QueueLimits } from './fields.ts';
import type {
  createKeyFields,
  listAuditFields,
  listKeysFields,
  rotateKeyFields,
  updateKeyFields,
} from './key-fields.ts';
import type { Include } from '../present.ts';
import type { Router } from './router.ts';
import type { WebhookProcedures } from './webhook-types.ts';

export type { Json };

/** A task of one definition, as a typed caller sees it. */
export type Task<Definition extends AnyTask = AnyTask> = Omit<TaskView, 'name' | 'input' | 'result'> & {
  name: Definition['name'];
  input?: Json<InputOf<Definition>>;
  /** null until the task has succeeded. */
  result?: Json<OutputOf<Definition>> | null;
};

export type NameOf<C extends Config> = keyof TasksOf<C> & string;
/** The task of a name, or of one among several names: then `task.name` tells which. */
export type TaskNamed<C extends Config, Name extends NameOf<C>> = {
  [N in Name]: TasksOf<C>[N] extends infer Definition extends AnyTask ? Task<Definition> : never;
}[Name];
export type InputNamed<C extends Config, Name extends NameOf<C>> = InputOf<TasksOf<C>[Name]>;
export type ResultNamed<C extends Config, Name extends NameOf<C>> = Json<OutputOf<TasksOf<C>[Name]>>;

type Query<Input, Output> = TRPCQueryProcedure<{ input: Input; output: Output; meta: unknown }>;
type Mutation<Input, Output> = TRPCMutationProcedure<{ input: Input; output: Output; meta: unknown }>;

/** `id` is what a subscription comes back with after its connection was lost. */
type Subscription<Input, Data> = TRPCSubscriptionProcedure<{
  input: Input;
  output: AsyncIterable<{ id: string; data: Data }, void, unknown>;
  meta: unknown;
}>;

/** What `tasks.watch` says: each event once and in order, and the final task in the end. */
export type WatchNews<Shown = Task> =
  | { kind: 'event'; event: StreamedEvent }
  | { kind: 'end'; task: Shown }
  | { kind: 'ping' };

/** What tasks are listed, retried or cancelled by. */
export interface TaskFilter<Name extends string = string> {
  name?: Name;
  queue?: string;
  state?: TaskState[];
  tag?: string;
  /** ISO 8601, as all times. */
  createdAfter?: string;
  createdBefore?: string;
  cursor?: string;
  limit?: number;
}

export interface ListFilter<Name extends string = string> extends TaskFilter<Name> {
  include?: Include[];
}

type TaskProcedures<C extends Config> = {
  enqueue: Mutation<
    { [Name in NameOf<C>]: { name: Name; input: InputNamed<C, Name> } & EnqueueOptions }[NameOf<C>],
    TaskNamed<C, NameOf<C>>
  >;
  get: Query<{ id: string; include?: Include[] }, TaskNamed<C, NameOf<C>>>;
  list: Query<ListFilter<NameOf<C>>, Page<TaskNamed<C, NameOf<C>>>>;
  events: Query<{ id: string; cursor?: string; limit?: number }, Page<EventView>>;
  attempts: Query<{ id: string }, Page<AttemptView>>;
  result: Query<{ id: string }, unknown>;
  cancel: Mutation<
    { id: string; reason?: string },
    { task: TaskNamed<C, NameOf<C>>; outcome: CancelOutcome }
  >;
  cancelAll: Mutation<TaskFilter<NameOf<C>> & { reason?: string }, CancelledTasks>;
  retry: Mutation<{ id: string }, { task: TaskNamed<C, NameOf<C>>; outcome: RetryOutcome }>;
  retryAll: Mutation<TaskFilter<NameOf<C>>, RetriedTasks>;
  /** Of a final task: input, result, history and all. */
  remove: Mutation<{ id: string }, void>;
  explain: Query<{ id: string }, ExplanationView>;
  wait: Query<{ id: string; timeoutMs: number }, TaskNamed<C, NameOf<C>>>;
  watch: Subscription<{ id: string; lastEventId?: string | null }, WatchNews<TaskNamed<C, NameOf<C>>>>;
  watchMany: Subscription<
    { name?: NameOf<C>; queue?: string; tag?: string; lastEventId?: string | null },
    TenantNews
  >;
  ticket: Mutation<void, StreamTicket>;
};

/** One task of a batch. */
type MemberNamed<C extends Config> = {
  [Name in NameOf<C>]: { name: Name; input: InputNamed<C, Name> } & MemberOptions;
}[NameOf<C>];

export interface BatchInput<C extends Config> extends Omit<BatchFields, 'tasks' | 'then'> {
  tasks: MemberNamed<C>[];
  /** Gets `{batchId, input, results}` when all have ended. */
  then?: { name: NameOf<C>; input?: unknown };
}

type BatchProcedures<C extends Config> = {
  create: Mutation<BatchInput<C>, AcceptedBatchView>;
  get: Query<{ id: string }, BatchView>;
  list: Query<{ cursor?: string; limit?: number } | void, Page<BatchView>>;
  tasks: Query<
    { id: string; cursor?: string; limit?: number; include?: Include[] },
    Page<TaskNamed<C, NameOf<C>>>
  >;
  cancel: Mutation<{ id: string; reason?: string }, { batch: BatchView; outcome: CancelBatchOutcome }>;
  wait: Query<{ id: string; timeoutMs: number }, BatchView>;
};

type QueueProcedures = {
  list: Query<void, Page<QueueView>>;
  get: Query<{ name: string }, QueueView>;
  pause: Mutation<{ name: string; reason?: string }, { queue: QueueView; outcome: PauseOutcome }>;
  resume: Mutation<{ name: string }, { queue: QueueView; outcome: ResumeOutcome }>;
  limit: Mutation<{ name: string } & QueueLimits, QueueView>;
};

/** When a schedule runs: `cron` or `rrule`. */
export interface ScheduleRule {
  cron?: string;
  /** The lines of RFC 5545. */
  rrule?: string;
  /** An IANA name. Default UTC, or the one of `DTSTART`. */
  timeZone?: string;
}

export type NewSchedule<C extends Config> = {
  [Name in NameOf<C>]: { name: string; task: Name; input: InputNamed<C, Name> };
}[NameOf<C>] &
  ScheduleRule & { missed?: 'skip' | 'once'; priority?: number; tags?: string[] };

interface PageRequest {
  cursor?: string;
  limit?: number;
}

type ScheduleProcedures<C extends Config> = {
  list: Query<PageRequest | void, Page<ScheduleView>>;
  get: Query<{ name: string }, ScheduleView>;
  put: Mutation<NewSchedule<C>, { schedule: ScheduleView; outcome: PutScheduleOutcome }>;
  remove: Mutation<{ name: string }, ScheduleView>;
  pause: Mutation<{ name: string }, { schedule: ScheduleView; outcome: PauseOutcome }>;
  resume: Mutation<{ name: string }, { schedule: ScheduleView; outcome: ResumeOutcome }>;
  run: Mutation<{ name: string }, TaskNamed<C, NameOf<C>>>;
  runs: Query<{ name: string } & PageRequest, Page<ScheduleRunView>>;
  preview: Query<{ name: string; n?: number }, OccurrencesView>;
  previewRule: Query<ScheduleRule & { n?: number }, OccurrencesView>;
};

type KeyProcedures = {
  create: Mutation<z.input<typeof createKeyFields>, NewKeyView>;
  list: Query<z.input<typeof listKeysFields> | void, Page<KeyView>>;
  get: Query<{ id: string }, KeyView>;
  update: Mutation<z.input<typeof updateKeyFields>, KeyView>;
  rotate: Mutation<z.input<typeof rotateKeyFields>, NewKeyView>;
  revoke: Mutation<{ id: string }, { key: KeyView; outcome: RevokeOutcome }>;
};

type AuditProcedures = { list: Query<z.input<typeof listAuditFields> | void, Page<AuditView>> };

type WorkerProcedures = {
  list: Query<{ state?: WorkerState[]; cursor?: string; limit?: number } | void, Page<WorkerView>>;
  get: Query<{ id: string }, WorkerView>;
  drain: Mutation<{ id: string }, { worker: WorkerView; outcome: DrainOutcome }>;
};

type StatsProcedures = { get: Query<void, StatsView> };

type Head<Name> = Name extends `${infer First}.${string}` ? First : Name;
/** `{'filings.analyze': D}` as `{filings: {analyze: Mutation}}`. */
type Runs<Tasks> = {
  [First in Head<keyof Tasks & string>]: First extends keyof Tasks
    ? Tasks[First] extends AnyTask
      ? Mutation<{ input: InputOf<Tasks[First]> } & EnqueueOptions, Task<Tasks[First]>>
      : never
    : Runs<{ [Name in keyof Tasks as Name extends `${First}.${infer Rest}` ? Rest : never]: Tasks[Name] }>;
};

/** What `/trpc` serves for a configuration; the type a typed client is made of. */
export type AppRouter<C extends Config = Config> = TRPCBuiltRouter<
  Router['_def']['_config']['$types'],
  {
    tasks: TaskProcedures<C>;
    queues: QueueProcedures;
    batches: BatchProcedures<C>;
    schedules: ScheduleProcedures<C>;
    webhooks: WebhookProcedures;
    keys: KeyProcedures;
    audit: AuditProcedures;
    workers: WorkerProcedures;
    archive: { plan: Query<void, ArchivePlanView> };
    stats: StatsProcedures;
    run: Runs<TasksOf<C>>;
  }
>;
