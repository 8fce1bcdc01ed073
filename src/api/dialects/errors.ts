import { ERROR_CODES } from '../../errors.ts';
import type { Dialect, DialectError } from '../../dialect.ts';
import type { LovageError } from '../../errors.ts';
import type { ErrorStyle } from '../respond.ts';

/** An error as a dialect is told of it. */
export const dialectError = ({ code, message, faults }: LovageError): DialectError => ({
  status: ERROR_CODES[code].status,
  code,
  message,
  faults,
});

/** Errors of all paths under `prefix` in the dialect's own words, where it has any. */
export function dialectErrors({ error: render }: Dialect, prefix: string): ErrorStyle[] {
  if (render === undefined) return [];
  return [
    { prefix, render: (error) => ({ contentType: 'application/json', ...render(dialectError(error)) }) },
  ];
}
