import { routePath } from 'hono/route';
import { type ApiParts, type HttpContext, originOf } from './context.ts';
import { toLovageError } from './errors.ts';

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Writes down a refused request that would have changed something and never came to its verb: a body that cannot be read. */
export async function auditRefusal(parts: ApiParts, c: HttpContext): Promise<void> {
  const {
    error,
    var: { caller, trail, patience },
    req,
  } = c;
  if (error === undefined || trail.isWritten || READS.has(req.method)) return;
  const { code } = toLovageError(error);
  const written = parts.lovage.audit.write({
    caller: { ...caller, origin: originOf(parts, c) },
    action: `${req.method} ${routePath(c, -1)}`,
    target: req.path.slice(0, 200),
    outcome: code,
    detail: {},
  });
  if (code !== 'queue-unavailable') await patience.spend(written).catch(() => undefined);
}
