import type { HttpContext } from '../context.ts';
import { MAX_WAIT_MS } from '../await-task.ts';
import { preferredWait } from './preference.ts';

const DEFAULT_WAIT_MS = 60_000;

/** How long to wait: `?wait=N`, else `Prefer: wait=N` (echoed as applied), else `?async=false`, else not at all. */
export function readWait(
  c: HttpContext,
  query: { wait?: number | undefined; async?: boolean | undefined },
): number {
  if (query.async === true) return 0;
  if (query.wait !== undefined) return query.wait * 1000;
  const preferred = preferredWait(c.req.header('prefer'));
  if (preferred !== undefined) {
    const waitMs = Math.min(preferred * 1000, MAX_WAIT_MS);
    c.header('Preference-Applied', `wait=${waitMs / 1000}`);
    return waitMs;
  }
  return query.async === false ? DEFAULT_WAIT_MS : 0;
}
