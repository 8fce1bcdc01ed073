import type { z } from 'zod';
import type { AnyTask, InputOf, OutputOf } from './task.ts';
import type { CancelOutcome, TaskState, TaskView } from './wire.ts';

/**
 * A dialect renders Lovage's tasks in the paths, field names and state words of a system that ran on
 * something else, so that its HTTP clients need no change. It is data: routes read as a table.
 */
export interface Dialect {
  /** Where the routes are mounted, such as `/filings`. */
  prefix: string;
  /** The header in which this system's clients already send their key; Lovage's own two work as well. */
  keyHeader?: string;
  /** What each state of Lovage is called here. */
  states: Record<TaskState, string>;
  /** Renders every error of these routes; the default is Lovage's problem+json. */
  error?: (error: DialectError) => DialectReply;
  routes: readonly DialectRoute[];
}

export interface DialectError {
  status: number;
  code: string;
  message: string;
  faults: readonly { pointer: string; detail: string }[];
}

export interface DialectReply {
  status: number;
  body: unknown;
}

/** What a renderer gets: the task, its state in the dialect's word, and how to make links that follow the mount. */
export interface Rendered<Result = unknown> {
  task: Omit<TaskView, 'result'> & { result: Result | null };
  state: string;
  /** `link('/tasks/1')` is the path under this dialect's mount. */
  link: (path: string) => string;
}

interface RouteBase {
  /** Path with `{id}` for a task's id, relative to the mount. */
  path: string;
  summary: string;
}

/** The words of old clients count too: Python sends `True` and `False`. Anything else is a fault of the parameter. */
export interface SyncSwitch {
  parameter: string;
  value: 'true' | 'false';
  /** Wait where the parameter is not given. Default false. */
  byDefault?: boolean;
  /** An environment variable that, set to 1, makes waiting the default; it is read when the routes are mounted. */
  defaultVariable?: string;
}

/** Starts a task; answers at once, or with its outcome where the caller asked for that. */
export interface SubmitRoute<Task extends AnyTask = AnyTask> extends RouteBase {
  method: 'post';
  kind: 'submit';
  task: Task;
  /** Which query parameter waits for the outcome: `{ parameter: 'async_mode', value: 'false' }`. */
  sync?: SyncSwitch;
  /** The body this system's clients send, where it is not the task's own input. */
  body?: z.ZodType;
  /** Makes the task's input of the body and the query. */
  input?: (body: unknown, query: Record<string, string>) => InputOf<Task>;
  accepted: (view: Rendered<OutputOf<Task>>) => DialectReply;
  /** The answer once it is final: succeeded, failed, cancelled or expired. */
  finished?: (view: Rendered<OutputOf<Task>>) => DialectReply;
}

/** Shows a task of this pack by its id; unknown ids are 404 in the dialect's words. */
export interface StatusRoute extends RouteBase {
  method: 'get';
  kind: 'status';
  reply: (view: Rendered) => DialectReply;
}

export interface CancelRoute extends RouteBase {
  method: 'post' | 'delete';
  kind: 'cancel';
  reply: (view: Rendered, outcome: CancelOutcome) => DialectReply;
}

/** Answers without a task, such as a health check; `needsKey` is false unless said. */
export interface StaticRoute extends RouteBase {
  method: 'get';
  kind: 'static';
  needsKey?: boolean;
  /** `ready` is what `/readyz` says now. */
  reply: (state: { ready: boolean }) => DialectReply;
}

export type DialectRoute = SubmitRoute | StatusRoute | CancelRoute | StaticRoute;

/** Types the renderers of one submit route by its task. */
export const submits = <Task extends AnyTask>(route: SubmitRoute<Task>): DialectRoute => route;
