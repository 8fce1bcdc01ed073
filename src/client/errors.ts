import { TRPCClientError } from '@trpc/client';
import type { ErrorCode, Fault } from '../errors.ts';

export type ClientErrorCode = ErrorCode | 'unreachable' | 'timed-out';

/** A call that the server refused or that did not reach it; `code` says which. */
export class LovageClientError extends Error {
  override readonly name = 'LovageClientError';
  readonly code: ClientErrorCode;
  readonly status: number | undefined;
  /** One entry a fault of the request; pointers go into the task's input. */
  readonly faults: readonly Fault[];

  constructor(
    message: string,
    options: { code: ClientErrorCode; status?: number; faults?: readonly Fault[]; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.code = options.code;
    this.status = options.status;
    this.faults = options.faults ?? [];
  }
}

/** Thrown by `run()` when its task ended without success; `task` tells the rest. */
export class TaskFailedError<Failed extends FailedTask = FailedTask> extends Error {
  override readonly name = 'TaskFailedError';
  readonly task: Failed;
  /** The code of the task's error, or its state where it has none: `cancelled`, `expired`. */
  readonly code: string;

  constructor(task: Failed) {
    super(`task ${task.id} (${task.name}) ${task.state}${task.error ? `: ${task.error.message}` : ''}`);
    this.task = task;
    this.code = task.error?.code ?? task.state;
  }
}

interface FailedTask {
  id: string;
  name: string;
  state: string;
  error: { code: string; message: string } | null;
}

/** The same call may succeed in a moment. */
export const isPassing = (error: unknown): boolean =>
  error instanceof LovageClientError && (error.code === 'unreachable' || error.code === 'queue-unavailable');

interface ErrorData {
  httpStatus: number;
  problem: { code: ErrorCode; faults: readonly Fault[] };
}

export function toClientError(error: unknown): unknown {
  if (!(error instanceof TRPCClientError)) return error;
  const data = error.data as ErrorData | undefined | null;
  if (data?.problem === undefined)
    return new LovageClientError(error.message, { code: 'unreachable', cause: error });
  const { code, faults } = data.problem;
  return new LovageClientError(error.message, { code, faults, status: data.httpStatus, cause: error });
}
