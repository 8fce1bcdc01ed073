import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { Authenticator } from '../keys/authenticate.ts';
import type { Lovage } from '../lovage.ts';
import type { Mounts } from '../mounts.ts';
import type { Caller } from '../wire.ts';
import type { Note } from '../tasks/send-noted.ts';
import { traceOfHeaders } from '../tracing/trace-context.ts';
import type { Patience } from './patience.ts';
import { clientAddress, type TrustedProxies } from '../settings/trusted-proxies.ts';
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
  /** The input of the one task that the request makes, as it came; missing where it is written anew. */
  inputText?: Uint8Array | undefined;
  /** Takes this call from what the caller's key may still make. Missing where the request as a whole was counted. @throws rate-limited */
  spend?: (() => Promise<void>) | undefined;
  /** What became of the request in the audit log. */
  trail?: AuditTrail | undefined;
  /** Writes a mutation down before it is over: with what it makes, or once it has done its work and goes on to wait. */
  audit?: CallRecorder;
}

/** One mutation on its way into the audit log. Whoever writes it first, it has one row: all that are tried have one id. */
export interface CallRecorder {
  /** For the commit of what the call makes. */
  noteOf: (answer: unknown) => Note;
  done: (answer: unknown) => Promise<void>;
  refused: (error: unknown) => Promise<void>;
}

/** Whether the call that a request makes is written down. */
export interface AuditTrail {
  isWritten: boolean;
}

/** What the middlewares leave for the handlers. */
export interface HttpEnv {
  Bindings: HttpBindings;
  Variables: {
    requestId: string;
    caller: Caller;
    patience: Patience;
    trail: AuditTrail;
    recheck: RequestContext['recheck'];
    /** The answer is written while it is sent. */
    isStream: boolean | undefined;
    /** Until when the signed link holds that a request came with. */
    linkEndsAt: number | undefined;
  };
}
export type HttpContext = Context<HttpEnv>;

/** What all routes stand on. */
export interface ApiParts {
  lovage: Lovage;
  authenticator: Authenticator;
  maxBodyBytes: number;
  /** Whose word on where a request came from is taken. Default: nobody's. */
  trustedProxies?: TrustedProxies | undefined;
  /** Whose pages may call; `*` for all. */
  corsOrigins: readonly string[];
  version: string;
  /** Where dialects answer beside their prefixes, and which need no key. */
  mounts?: Mounts | undefined;
  /** `/metrics` needs no key. */
  metricsOpen?: boolean | undefined;
  isReady: () => Promise<boolean>;
  closing: AbortSignal;
}

export function contextOf(parts: ApiParts, c: HttpContext, suspicion = suspect('')): RequestContext {
  return {
    lovage: parts.lovage,
    caller: { ...c.var.caller, origin: originOf(parts, c) },
    requestId: c.var.requestId,
    patience: c.var.patience,
    recheck: c.var.recheck,
    signal: c.req.raw.signal,
    closing: parts.closing,
    suspicion,
    trail: c.var.trail,
  };
}

/** The trace that a request belongs to, where it says so. */
export const traceOf = ({ req }: HttpContext): string | undefined =>
  traceOfHeaders(req.header('traceparent'), req.header('tracestate'));

/** From where a request came, for the audit log. */
export function originOf(
  { trustedProxies }: Pick<ApiParts, 'trustedProxies'>,
  c: HttpContext,
): NonNullable<Caller['origin']> {
  // Without a server, as in a call of the app itself, there is no socket.
  const socket = (c.env as Partial<HttpBindings> | undefined)?.incoming?.socket.remoteAddress;
  const ip = clientAddress(socket, c.req.header('x-forwarded-for'), trustedProxies);
  return { ip, requestId: c.var.requestId, trace: traceOf(c) };
}
