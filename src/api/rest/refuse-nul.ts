import type { MiddlewareHandler } from 'hono';
import { LovageError } from '../../errors.ts';
import type { HttpEnv } from '../context.ts';

/** Postgres takes NUL in no text at all, so a query value that holds one can match nothing. */
export const refuseNul: MiddlewareHandler<HttpEnv> = async (c, next) => {
  if (c.req.url.includes('%00')) {
    const faults = Object.entries(c.req.queries())
      .filter((entry) => entry.flat().some((text) => text.includes('\0')))
      .map(([name]) => ({ pointer: name.replaceAll('\0', ''), detail: 'holds NUL' }));
    if (faults.length > 0) throw new LovageError('validation', 'A parameter holds NUL', { faults });
  }
  await next();
};
