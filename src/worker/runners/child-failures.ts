/** A handler's process ended under it. */
export class ChildDied extends Error {
  override readonly name = 'ChildDied';
  readonly code = 'crashed';
}

/** No process could be had for the attempt: its handler was not called. */
export class ChildUnavailable extends Error {
  override readonly name = 'ChildUnavailable';
}
