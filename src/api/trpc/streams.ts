import { tracked } from '@trpc/server';
import { LovageError } from '../../errors.ts';
import { issueTicket } from '../../keys/ticket.ts';
import { watchTasks } from '../../tasks/watch-many.ts';
import { watchTask, type Frame } from '../../tasks/watch.ts';
import type { Caller } from '../../wire.ts';
import type { RequestContext } from '../context.ts';
import { watchFields, watchManyFields } from './fields.ts';
import { procedureFor } from './procedures.ts';

/** As often as that the key of an open stream is looked at again; on one node that is one query for all. */
const RECHECK_MS = 1_500;

const reading = procedureFor('read');

/** The verbs that follow tasks, for all adapters. */
export const streamProcedures = {
  watch: reading.input(watchFields).subscription(async ({ ctx, input: { id, lastEventId }, signal }) => {
    const stop = new AbortController();
    const options = { lastEventId: lastEventId ?? undefined, signal: stop.signal };
    const frames = await ctx.patience.spend(watchTask(ctx.lovage, ctx.caller, id, options));
    return deliver(frames, ctx, stop, signal);
  }),

  watchMany: reading
    .input(watchManyFields)
    .subscription(async ({ ctx, input: { lastEventId, ...filter }, signal }) => {
      const stop = new AbortController();
      const request = { ...filter, lastEventId: lastEventId ?? undefined, signal: stop.signal };
      const frames = await ctx.patience.spend(watchTasks(ctx.lovage, ctx.caller, request));
      return deliver(frames, ctx, stop, signal);
    }),

  ticket: reading.mutation(({ ctx }) => issueTicket(ctx.lovage, ctx.caller)),
};

/** Until the caller hangs up, or the server closes: then it breaks off, which tells clients to come back. */
async function* deliver<Data>(
  frames: AsyncGenerator<Frame<Data>, void>,
  { signal, closing, drained, recheck }: RequestContext,
  stop: AbortController,
  unsubscribed: AbortSignal | undefined,
) {
  const abort = () => stop.abort();
  const sources = [signal, closing, ...(unsubscribed ? [unsubscribed] : [])];
  // Not AbortSignal.any: `closing` lives as long as the process and would gather followers.
  for (const source of sources) source.addEventListener('abort', abort);
  if (sources.some(({ aborted }) => aborted)) abort();
  let isRevoked = false;
  const onCaller = (caller: Caller | null): void => {
    if (caller) return;
    isRevoked = true;
    abort();
  };
  // Where Postgres is away, nothing is known against the key.
  const look = recheck && (() => void recheck().then(onCaller, () => undefined));
  const timer = look && setInterval(look, RECHECK_MS).unref();
  try {
    for await (const { id, data } of frames) {
      yield tracked(id, data);
      await drained?.();
    }
    if (isRevoked) throw new LovageError('unauthorized', 'This API key was revoked or has expired');
    if (closing.aborted) throw new DOMException('The server is closing', 'AbortError');
  } finally {
    clearInterval(timer);
    for (const source of sources) source.removeEventListener('abort', abort);
  }
}
