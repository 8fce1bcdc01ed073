import { initTRPC } from '@trpc/server';
import { type Fault, LovageError } from '../../errors.ts';
import type { Caller, Scope } from '../../wire.ts';
import type { RequestContext } from '../context.ts';
import { toLovageError } from '../errors.ts';
import { findUnstorable } from '../../json/unstorable.ts';
import { toErrorShape } from './error-shape.ts';

export const t = initTRPC.context<RequestContext>().create({
  isDev: false,
  // A stream says by itself that it is still there; a client that hears nothing for so long comes back.
  sse: { client: { reconnectAfterInactivityMs: 40_000 } },
  errorFormatter: ({ shape, error }) => toErrorShape(toLovageError(error), shape.data.path),
});

/** A procedure for callers whose key has this scope. The one place where scopes are asked for. */
export const procedureFor = (scope: Scope) =>
  t.procedure
    .use(({ ctx, next }) => {
      requireScope(ctx.caller, scope);
      return next();
    })
    .use(refuseUnstorable);

export const mayDo = ({ scopes }: Caller, scope: Scope): boolean => scopes.has(scope) || scopes.has('admin');

export function requireScope(caller: Caller, scope: Scope): void {
  if (mayDo(caller, scope)) return;
  throw new LovageError('forbidden', `This API key lacks the scope "${scope}"`);
}

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
