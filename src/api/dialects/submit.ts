import type { DialectReply, DialectRequest, SubmitRoute } from '../../dialect.ts';
import { suspect } from '../../json/unstorable.ts';
import { isFinal } from '../../wire.ts';
import { MAX_WAIT_MS } from '../await-task.ts';
import { type JsonBody, readJson, readOptionalJson } from '../body.ts';
import { contextOf, type HttpContext } from '../context.ts';
import { requireScope } from '../trpc/procedures.ts';
import { fitBody, fitQuery } from './fit.ts';
import type { DialectParts } from './parts.ts';
import { createSyncSwitch } from './sync.ts';
import { viewIn } from './view.ts';

export function answerSubmit(route: SubmitRoute, shared: DialectParts) {
  const { parts, router } = shared;
  const isSync = createSyncSwitch(route.sync);
  return async (c: HttpContext, request: DialectRequest): Promise<DialectReply> => {
    requireScope(c.var.caller, 'enqueue');
    const waitMs = isSync(request.query) ? MAX_WAIT_MS : 0;
    const query = route.query ? await fitQuery(route.query, new URL(c.req.url).searchParams) : request.query;
    const { value: body, suspicion, text } = await readBody(route, c.req.raw, parts.maxBodyBytes);
    const input: unknown = route.input ? route.input(body, query, request.params) : body;
    const inputText = route.input ? undefined : text;
    const refusal = await refusalOf(route, input, request);
    if (refusal) return refusal;
    const procedures = router.createCaller({ ...contextOf(parts, c, suspicion), inputText });
    const task = await procedures.tasks.enqueue({ name: route.task.name, input, waitMs });
    const finished = isFinal(task.state) ? route.finished : undefined;
    return (finished ?? route.accepted)(viewIn(shared, request, task));
  };
}

async function readBody(
  { body: schema }: SubmitRoute,
  request: Request,
  maxBytes: number,
): Promise<JsonBody> {
  if (schema === null) return { value: undefined, suspicion: suspect('') };
  if (schema === undefined) return readJson(request, maxBytes);
  const body = await readOptionalJson(request, maxBytes);
  return { value: await fitBody(schema, body), suspicion: body.suspicion };
}

/** Asked only of an input that fits: what does not is refused by the enqueue itself. */
async function refusalOf(
  { refuse, task }: SubmitRoute,
  input: unknown,
  request: DialectRequest,
): Promise<DialectReply | null> {
  if (!refuse) return null;
  const { success } = await task.input.safeParseAsync(input);
  return success ? refuse(input as Parameters<typeof refuse>[0], request) : null;
}
