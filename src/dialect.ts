import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { z } from 'zod';
import type { AnyTask, InputOf, OutputOf, Vault } from './task.ts';
import type { CancelOutcome, Scope, TaskState, TaskView } from './wire.ts';

/**
 * A dialect renders Lovage's tasks in the paths, field names and state words of a system that ran on
 * something else, so that its HTTP clients need no change. It is data: routes read as a table.
 */
export interface Dialect {
  /** Where the routes are mounted, such as `/filings`; the configuration may give them a port or a host name as well. */
  prefix: string;
  /** The header in which this system's clients already send their key; Lovage's own two work as well. */
  keyHeader?: string;
  /** What each state of Lovage is called here. */
  states: Record<TaskState, string>;
  /** How long a task is known here after its end; then its id is 404, as are ids of old results. Default: as long as Lovage keeps it. */
  forgetsAfterMs?: number;
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
  /** Bytes and streams are sent as they are, under the content type that `headers` names; all else as JSON. */
  body: unknown;
  headers?: Record<string, string>;
}

/** What every answer may use: who asks, for what, and the pack's own tables. */
export interface DialectRequest<Query = Record<string, string>> {
  /** What stands in the places of the path: `{id}` is `params.id`. */
  params: Record<string, string>;
  query: Query;
  header: (name: string) => string | undefined;
  /** Whose tasks and rows the caller may see. */
  tenant: string;
  /** The database Lovage runs on, for the pack's own tables. */
  db: NodePgDatabase;
  /** Encrypts what the pack's tables should not hold in the clear. */
  vault: Vault;
  /** `link('/tasks/1')` is the path under the mount by which the caller came. */
  link: (path: string) => string;
  /** A link that opens this path without a key until it expires; its route has `access: 'link'`. */
  sign: (path: string, options: { expiresInMs: number }) => string;
  /** The caller hung up. */
  signal: AbortSignal;
}

/** What a renderer gets of a task, with its state in the dialect's word. */
export interface Rendered<Result = unknown> extends DialectRequest {
  task: Omit<TaskView, 'result'> & { result: Result | null };
  state: string;
}

type Answer = DialectReply | Promise<DialectReply>;

/**
 * Who may call: anybody with a `key` that has the route's scope; with that or a signed `link`; anybody at all (`open`);
 * or anybody where the operator sets a variable to 1, else keys.
 */
export type Access = 'key' | 'link' | 'open' | { openedBy: string };

interface RouteBase {
  /** Path with `{id}` for a task's id, relative to the mount. */
  path: string;
  /** Other paths under which clients know the same route. */
  aliases?: readonly string[];
  summary: string;
  /** Default `key`, for `static` routes `open`. */
  access?: Access;
  /** What it answers by status, for the OpenAPI document: a schema, or the content type of what is no JSON. */
  answers?: Record<number, z.ZodType | { contentType: string }>;
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
  method: 'get' | 'post';
  kind: 'submit';
  task: Task;
  /** Which query parameter waits for the outcome: `{ parameter: 'async_mode', value: 'false' }`. */
  sync?: SyncSwitch | 'always';
  /** The body this system's clients send, where it is not the task's own input; null: none is read. */
  body?: z.ZodType | null;
  /** Its query parameters, where `input` reads them. */
  query?: z.ZodType;
  /** Makes the task's input of the body and the query. */
  input?: (body: unknown, query: Record<string, unknown>, params: Record<string, string>) => InputOf<Task>;
  /** An answer in place of a task, before one is accepted: what the input names does not exist, or is another tenant's. */
  refuse?: (input: InputOf<Task>, request: DialectRequest) => Promise<DialectReply | null>;
  accepted: (view: Rendered<OutputOf<Task>>) => Answer;
  /** The answer once it is final: succeeded, failed, cancelled or expired. */
  finished?: (view: Rendered<OutputOf<Task>>) => Answer;
}

/** Shows a task of this pack by its id; unknown ids are 404 in the dialect's words. */
export interface StatusRoute extends RouteBase {
  method: 'get';
  kind: 'status';
  /** Only tasks of this definition exist here. Default: all of the pack's. */
  task?: AnyTask;
  /** Shows the tasks that it started as well, in their order. */
  withChildren?: boolean;
  reply: (view: Rendered, children: readonly Rendered[]) => Answer;
}

export interface CancelRoute extends RouteBase {
  method: 'post' | 'delete';
  kind: 'cancel';
  reply: (view: Rendered, outcome: CancelOutcome) => Answer;
}

/** Answers without a task, such as a health check. */
export interface StaticRoute extends RouteBase {
  method: 'get';
  kind: 'static';
  /** `ready` is what `/readyz` says now. */
  reply: (state: { ready: boolean }) => DialectReply;
}

/** Reads or changes the pack's own tables. */
export interface ResourceRoute<
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
> extends RouteBase {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  kind: 'resource';
  /** Which scope a key needs. Default: `read` for GET, `enqueue` for all else. */
  scope?: Scope;
  query?: Query;
  body?: Body;
  /** Takes a file of a multipart form; a larger one is refused with 413 before it is read. */
  upload?: { field: string; maxBytes: number };
  reply: (request: ResourceRequest<z.output<Query>, z.output<Body>>) => Answer;
}

export interface ResourceRequest<Query = unknown, Body = unknown> extends DialectRequest<Query> {
  body: Body;
  /** Undefined where the route takes none, or none was sent. */
  file: UploadedFile | undefined;
}

export interface UploadedFile {
  name: string;
  /** As the sender says; not to be trusted. */
  type: string;
  bytes: Uint8Array;
}

/** Tells over a WebSocket how a task of this pack fares: at once, when something changes, and every so often; ends with it. */
export interface SocketRoute extends RouteBase {
  method: 'get';
  kind: 'socket';
  everyMs: number;
  status: (view: Rendered) => unknown;
  /** The last message; the socket is closed after it. */
  complete: (view: Rendered) => unknown;
  /** Sent before a socket is closed with 4000 + the status: 4401 without a key, 4404 for an unknown id. */
  refused: (error: DialectError) => unknown;
}

export type DialectRoute =
  | SubmitRoute
  | StatusRoute
  | CancelRoute
  | StaticRoute
  | ResourceRoute
  | SocketRoute;

/** Types the renderers of one submit route by its task. */
export const submits = <Task extends AnyTask>(route: SubmitRoute<Task>): DialectRoute => route;

/** Types the reply of one resource route by its query and body. */
export const resource = <Query extends z.ZodType, Body extends z.ZodType>(
  route: ResourceRoute<Query, Body>,
): DialectRoute => route;
