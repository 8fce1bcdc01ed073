import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { Lovage } from '../lovage.ts';
import type { Caller } from '../wire.ts';
import type { Patience } from './patience.ts';
import { suspect, type Suspicion } from '../json/unstorable.ts';

/** What every procedure gets, whichever adapter calls it. */
export interface RequestContext {
  lovage: Lovage;
  caller: Caller;
  requestId: string;
  patience: Patience;
  /** The caller hung up. */
  signal: AbortSignal;
  /** The server is closing: long polls answer with the task as it stands. */
  closing: AbortSignal;
  /** Asks again who it is: null when its key was revoked. Missing where that is somebody else's business. */
  recheck?: (() => Promise<Caller | null>) | undefined;
  /** Resolves when the caller has taken most of what was sent to it. Missing where the transport itself waits. */
  drained?: (() => Promise<void>) | undefined;
  /** What the raw text may hold that Postgres refuses. */
  suspicion: Suspicion;
}

/** What the middlewares leave for the handlers. */
export interface HttpEnv {
  Bindings: HttpBindings;
  Variables: {
    requestId: string;
    caller: Caller;
    patience: Patience;
    recheck: RequestContext['recheck'];
  };
}
export type HttpContext = Context<HttpEnv>;

/** What all routes stand on. */
export interface ApiParts {
  lovage: Lovage;
  authenticator: { authenticate(presented: string): Promise<Caller | null> };
  maxBodyBytes: number;
  version: string;
  isReady: () => Promise<boolean>;
  closing: AbortSignal;
}

export function contextOf(parts: ApiParts, c: HttpContext, suspicion = suspect('')): RequestContext {
  return {
    lovage: parts.lovage,
    caller: c.var.caller,
    requestId: c.var.requestId,
    patience: c.var.patience,
    recheck: c.var.recheck,
    signal: c.req.raw.signal,
    closing: parts.closing,
    suspicion,
  };
}
