/** A service outside the house did not do what it should. `status` is what it answered, where it answered. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly service: string;
  readonly code: string;
  readonly status: number | undefined;
  /** How long the service asked to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(
    service: string,
    message: string,
    options: { code?: string; status?: number; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(`${service}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.service = service;
    this.code = options.code ?? 'ServiceError';
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}
