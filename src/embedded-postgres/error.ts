export type EmbeddedPostgresErrorCode =
  | 'binaries_missing'
  | 'folder_unusable'
  | 'password_lost'
  | 'password_refused'
  | 'initdb_failed'
  | 'start_failed'
  | 'start_timeout';

export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
  readonly code: EmbeddedPostgresErrorCode;

  constructor(code: EmbeddedPostgresErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The code of a system, Postgres or SQLite error. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
