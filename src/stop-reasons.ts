/** Somebody cancelled the task. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

/** The attempt has run for its soft limit: clean up, then return or throw. */
export class SoftTimeLimitExceeded extends Error {
  override readonly name = 'SoftTimeLimitExceeded';
  readonly code = 'time_limit';
}

/** The attempt has run for its hard limit: whatever it returns is dropped. */
export class HardTimeLimitExceeded extends Error {
  override readonly name = 'HardTimeLimitExceeded';
  readonly code = 'time_limit';
}

/** The worker ends; the task goes back to its queue. */
export class ShuttingDown extends Error {
  override readonly name = 'ShuttingDown';
}

/** The attempt is no longer the task's own: whatever comes of it is dropped. */
export class AttemptLost extends Error {
  override readonly name = 'AttemptLost';
}

const REASONS = { Cancelled, SoftTimeLimitExceeded, HardTimeLimitExceeded, ShuttingDown, AttemptLost };

/** Why a handler is told to stop: what its signal's `reason` is. */
export type StopReason = InstanceType<(typeof REASONS)[keyof typeof REASONS]>;

/** A reason on the other side of a process boundary, of the class that it had. */
export function remakeReason(name: StopReason['name'], message: string): StopReason {
  return new REASONS[name](message);
}
