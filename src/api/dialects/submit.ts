import { LovageError } from '../../errors.ts';
import type { DialectReply, SubmitRoute } from '../../dialect.ts';
import { isFinal } from '../../wire.ts';
import { MAX_WAIT_MS } from '../await-task.ts';
import { readJson } from '../body.ts';
import { contextOf, type HttpContext } from '../context.ts';
import { faultsOf } from '../../json/faults.ts';
import type { DialectParts } from './parts.ts';
import { createSyncSwitch } from './sync.ts';

export function answerSubmit(route: SubmitRoute, { parts, router, view }: DialectParts) {
  const isSync = createSyncSwitch(route.sync);
  return async (c: HttpContext): Promise<DialectReply> => {
    const waitMs = isSync(c.req.query()) ? MAX_WAIT_MS : 0;
    const body = await readJson(c.req.raw, parts.maxBodyBytes);
    const procedures = router.createCaller(contextOf(parts, c, body.suspicion));
    const input = inputOf(route, body.value, c.req.query());
    const task = await procedures.tasks.enqueue({ name: route.task.name, input, waitMs });
    const finished = isFinal(task.state) ? route.finished : undefined;
    return (finished ?? route.accepted)(view(task));
  };
}

function inputOf(
  { body: schema, input }: SubmitRoute,
  body: unknown,
  query: Record<string, string>,
): unknown {
  if (schema === undefined) return input === undefined ? body : input(body, query);
  const parsed = schema.safeParse(body);
  if (!parsed.success) {
    throw new LovageError('validation', 'The body does not fit', { faults: faultsOf(parsed.error) });
  }
  return input === undefined ? parsed.data : input(parsed.data, query);
}
