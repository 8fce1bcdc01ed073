export { defineConfig, type Config, type TasksOf } from './config.ts';
export {
  resource,
  submits,
  type Dialect,
  type DialectError,
  type DialectReply,
  type DialectRequest,
  type DialectRoute,
  type Rendered,
  type ResourceRequest,
  type UploadedFile,
} from './dialect.ts';
export { Discard, LovageError, RetryAt, RetryIn, Snooze, WaitingForChildren } from './errors.ts';
export { definePack, type Pack } from './pack.ts';
export {
  AttemptLost,
  Cancelled,
  HardTimeLimitExceeded,
  ShuttingDown,
  SoftTimeLimitExceeded,
  type StopReason,
} from './stop-reasons.ts';
export {
  defineTask,
  type Child,
  type ChildOptions,
  type ChildOutcome,
  type InputOf,
  type OutputOf,
  type RunContext,
  type TaskDefinition,
  type Vault,
} from './task.ts';
export { isTransient } from './transient.ts';
export { enqueue, type EnqueueInOptions, type Transaction } from './tasks/enqueue-in.ts';
