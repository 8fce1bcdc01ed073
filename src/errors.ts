/**
 * Every way a request can fail, once. The HTTP status, the problem type and the tRPC code all follow from
 * the code, so adding one here is the whole change.
 */
export const ERROR_CODES = {
  'malformed-json': { status: 400, title: 'The body is not JSON', trpc: 'PARSE_ERROR' },
  unauthorized: { status: 401, title: 'A valid API key is needed', trpc: 'UNAUTHORIZED' },
  forbidden: { status: 403, title: 'The API key lacks a scope', trpc: 'FORBIDDEN' },
  'not-found': { status: 404, title: 'Nothing is here', trpc: 'NOT_FOUND' },
  'task-not-found': { status: 404, title: 'No such task', trpc: 'NOT_FOUND' },
  'queue-not-found': { status: 404, title: 'No such queue', trpc: 'NOT_FOUND' },
  'worker-not-found': { status: 404, title: 'No such worker', trpc: 'NOT_FOUND' },
  'batch-not-found': { status: 404, title: 'No such batch', trpc: 'NOT_FOUND' },
  'schedule-not-found': { status: 404, title: 'No such schedule', trpc: 'NOT_FOUND' },
  'webhook-not-found': { status: 404, title: 'No such webhook', trpc: 'NOT_FOUND' },
  'key-not-found': { status: 404, title: 'No such API key', trpc: 'NOT_FOUND' },
  'unknown-task-name': { status: 404, title: 'No task definition has this name', trpc: 'NOT_FOUND' },
  'method-not-allowed': {
    status: 405,
    title: 'This path does not take that method',
    trpc: 'METHOD_NOT_SUPPORTED',
  },
  conflict: { status: 409, title: 'The state of what it asks about does not allow this', trpc: 'CONFLICT' },
  'result-expired': { status: 410, title: 'The result has passed its time to live', trpc: 'NOT_FOUND' },
  'payload-too-large': { status: 413, title: 'The body is over the limit', trpc: 'PAYLOAD_TOO_LARGE' },
  validation: { status: 422, title: 'The request does not fit its schema', trpc: 'UNPROCESSABLE_CONTENT' },
  'idempotency-key-reused': {
    status: 422,
    title: 'The key came with another body before',
    trpc: 'UNPROCESSABLE_CONTENT',
  },
  'rate-limited': { status: 429, title: 'Too many requests', trpc: 'TOO_MANY_REQUESTS' },
  internal: { status: 500, title: 'Internal error', trpc: 'INTERNAL_SERVER_ERROR' },
  'not-configured': {
    status: 501,
    title: 'This needs a setting that the server lacks',
    trpc: 'NOT_IMPLEMENTED',
  },
  'queue-unavailable': { status: 503, title: 'Postgres cannot be reached', trpc: 'SERVICE_UNAVAILABLE' },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** One fault of a request; `pointer` is a JSON Pointer (RFC 6901) into the body, or a parameter's name. */
export interface Fault {
  pointer: string;
  detail: string;
}

/** The one error type that crosses floors. Its message is written for the caller and holds no secret. */
export class LovageError extends Error {
  override readonly name = 'LovageError';
  readonly code: ErrorCode;
  readonly faults: Fault[];
  /** Seconds after which a retry makes sense; becomes `Retry-After`. */
  readonly retryAfter: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { faults?: Fault[]; retryAfter?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.faults = options.faults ?? [];
    this.retryAfter = options.retryAfter;
  }
}

/** A fault of the set-up (configuration, environment, port): one clear line at start, exit code 1. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

/** Thrown by a handler to fail its task at once: no retry can mend it. `code` names the fault for callers. */
export class Discard extends Error {
  override readonly name = 'Discard';
  readonly code: string;

  constructor(message: string, options: { code?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code ?? 'discarded';
  }
}

interface ChoiceOptions {
  /** What the history says. */
  message?: string;
  /** Names the fault of a failed attempt for callers. */
  code?: string;
  cause?: unknown;
}

/** Thrown by a handler to fail this attempt and run the next one after so many milliseconds, if one is left. */
export class RetryIn extends Error {
  override readonly name: string = 'RetryIn';
  readonly code: string;
  readonly delayMs: number;

  constructor(delayMs: number, { message, cause, code = 'retry_requested' }: ChoiceOptions = {}) {
    const waitMs = checkedDelay(delayMs);
    super(message ?? `asked to be tried again in ${waitMs} ms`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.delayMs = waitMs;
  }
}

/** Thrown by a handler to fail this attempt and run the next one at this time, if one is left. */
export class RetryAt extends RetryIn {
  override readonly name = 'RetryAt';

  constructor(at: Date, options: ChoiceOptions = {}) {
    super(untilDate(at), { message: `asked to be tried again at ${at.toISOString()}`, ...options });
  }
}

/** Thrown by a handler whose time has not come: the task runs again after so many milliseconds, and no retry is spent. */
export class Snooze extends Error {
  override readonly name = 'Snooze';
  readonly delayMs: number;

  constructor(delayMs: number, { message, cause }: ChoiceOptions = {}) {
    const waitMs = checkedDelay(delayMs);
    super(message ?? `snoozed for ${waitMs} ms`, cause === undefined ? undefined : { cause });
    this.delayMs = waitMs;
  }
}

/** What `waitFor` throws to end a run whose children are not final yet: let it pass, and the task runs again when they are. */
export class WaitingForChildren extends Error {
  override readonly name = 'WaitingForChildren';
  readonly children: readonly string[];

  constructor(children: readonly string[], message = `waits for ${children.length} child tasks`) {
    super(message);
    this.children = children;
  }
}

const MAX_DELAY_MS = 366 * 24 * 60 * 60 * 1000;

function checkedDelay(delayMs: number): number {
  if (delayMs >= 0 && delayMs <= MAX_DELAY_MS) return Math.round(delayMs);
  throw new RangeError(`a delay must be 0 to ${MAX_DELAY_MS} milliseconds (a year), got ${delayMs}`);
}

function untilDate(at: Date): number {
  if (Number.isNaN(at.getTime())) throw new RangeError('RetryAt needs a valid date');
  return Math.max(0, at.getTime() - Date.now());
}
