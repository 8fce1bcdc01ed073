/** A handler's process ended under it. */
export class ChildDied extends Error {
  override readonly name = 'ChildDied';
  readonly code = 'crashed';
}

/** No process could be had for the attempt: its handler was not called. */
export class ChildUnavailable extends Error {
  override readonly name = 'ChildUnavailable';
}

/** How a process ended, as far as its last word tells. */
export function describeEnd(code: number | null, signal: string | null, ours: string | undefined): string {
  if (ours !== undefined) return `killed, since ${ours}`;
  // V8 aborts when its heap is full; a shell's child says the same by 128 + 6.
  if (signal === 'SIGABRT' || code === 134) return 'ran out of memory, or called abort (SIGABRT)';
  if (signal === 'SIGKILL') return 'killed from outside (SIGKILL), as by a system that ran out of memory';
  return signal ?? `exit code ${code}`;
}
