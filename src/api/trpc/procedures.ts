import { initTRPC } from '@trpc/server';
import { type Fault, LovageError } from '../../errors.ts';
import { type Caller, DEFAULT_TENANT, type Scope } from '../../wire.ts';
import type { RequestContext } from '../context.ts';
import { toLovageError } from '../errors.ts';
import { findUnstorable } from '../../json/unstorable.ts';
import { recordCall } from './audit.ts';
import { toErrorShape } from './error-shape.ts';

/** What a procedure says about itself. */
export interface ProcedureMeta {
  scope: Scope;
}

export const t = initTRPC
  .context<RequestContext>()
  .meta<ProcedureMeta>()
  .create({
    isDev: false,
    // A stream says by itself that it is still there; a client that hears nothing for so long comes back.
    sse: { client: { reconnectAfterInactivityMs: 40_000 } },
    errorFormatter: ({ shape, error }) => toErrorShape(toLovageError(error), shape.data.path),
  });

/** A procedure for callers whose key has this scope. The one place where scopes are asked for, and mutations written down. */
export const procedureFor = (scope: Scope) =>
  t.procedure
    .meta({ scope })
    .use(auditMutation)
    .use(async ({ ctx, type, next }) => {
      requireScope(ctx.caller, scope);
      if (ctx.caller.isTicket && type !== 'subscription')
        throw new LovageError('forbidden', 'A stream ticket opens streams and nothing else');
      await ctx.spend?.();
      return next();
    })
    .use(refuseUnstorable);

/** The same, of what all tenants share, such as queues: only keys of the tenant `default` see or stop it. */
export const sharedProcedureFor = (scope: Scope) =>
  procedureFor(scope).use(({ ctx, next }) => {
    if (ctx.caller.tenant !== DEFAULT_TENANT) {
      throw new LovageError('forbidden', 'All tenants share this: it takes a key of the tenant "default"');
    }
    return next();
  });

export const mayDo = ({ scopes }: Caller, scope: Scope): boolean => scopes.has(scope) || scopes.has('admin');

export function requireScope(caller: Caller, scope: Scope): void {
  if (mayDo(caller, scope)) return;
  throw new LovageError('forbidden', `This API key lacks the scope "${scope}"`);
}

/** Written with the task that it makes, or after the mutation and before the answer; a refused one with the code of its error. */
const auditMutation = t.middleware(async ({ ctx, type, path, getRawInput, next }) => {
  if (type !== 'mutation') return next();
  const recorder = await recordCall(ctx, path, getRawInput);
  const answer = await next({ ctx: { audit: recorder } });
  await (answer.ok ? recorder.done(answer.data) : recorder.refused(answer.error));
  return answer;
});

const refuseUnstorable = t.middleware(async ({ ctx: { suspicion }, getRawInput, next }) => {
  if (suspicion.text || suspicion.depth) {
    const faults = findUnstorable(await getRawInput(), suspicion).map(intoTaskInput);
    if (faults.length > 0) {
      throw new LovageError('validation', 'The request holds what cannot be stored', { faults });
    }
  }
  return next();
});

/** Pointers of an enqueue go into the task's input, whichever way it came. */
const intoTaskInput = ({ pointer, detail }: Fault): Fault => ({
  pointer: pointer.replace(/^\/input(?=\/|$)/, ''),
  detail,
});
