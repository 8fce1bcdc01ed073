import {
  context,
  createTraceState,
  isSpanContextValid,
  ROOT_CONTEXT,
  trace,
  type Context,
  type SpanContext,
} from '@opentelemetry/api';

/**
 * A W3C traceparent and, after a blank, the tracestate that came with it: how a trace is kept with its task. It goes on where
 * no SDK of OpenTelemetry is set up as well.
 */
export type StoredTrace = string;

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const MAX_TRACESTATE = 512;

/** The headers of a request as a trace; undefined where they hold none, or one that is malformed. */
export function traceOfHeaders(
  traceparent: string | undefined,
  tracestate: string | undefined,
): StoredTrace | undefined {
  if (traceparent === undefined || !isTraceparent(traceparent)) return undefined;
  const isKept =
    tracestate !== undefined && tracestate.length <= MAX_TRACESTATE && /^[\x20-\x7e]+$/.test(tracestate);
  return isKept ? `${traceparent.slice(0, 55)} ${tracestate}` : traceparent.slice(0, 55);
}

/** The headers with which a trace is sent on. */
export function headersOfTrace(stored: StoredTrace | undefined): {
  traceparent?: string;
  tracestate?: string;
} {
  if (stored === undefined) return {};
  const [traceparent, tracestate] = split(stored);
  return { traceparent, ...(tracestate !== undefined && { tracestate }) };
}

/** The trace that code is running in, else the given one, else none. */
export function contextOfTrace(stored: StoredTrace | null | undefined): Context {
  const active = context.active();
  const span = trace.getSpanContext(active);
  if (span && isSpanContextValid(span)) return active;
  return stored ? (read(stored) ?? ROOT_CONTEXT) : ROOT_CONTEXT;
}

/** The given trace, whatever code is running in: an attempt is no part of what happened to claim it. */
export const remoteContext = (stored: StoredTrace | null | undefined): Context =>
  (stored ? read(stored) : undefined) ?? ROOT_CONTEXT;

/** Undefined where there is no trace to go on with. */
export function storeTrace(span: SpanContext): StoredTrace | undefined {
  if (!isSpanContextValid(span)) return undefined;
  const { traceId, spanId, traceFlags, traceState } = span;
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  const state = traceState?.serialize();
  return state ? `${traceparent} ${state}` : traceparent;
}

/** What a log line says of a trace. */
export const traceIdOf = (stored: StoredTrace | null | undefined): string | undefined => stored?.slice(3, 35);

function read(stored: StoredTrace): Context | undefined {
  const [traceparent, tracestate] = split(stored);
  if (!isTraceparent(traceparent)) return undefined;
  const [, traceId = '', spanId = '', flags = '00'] = TRACEPARENT.exec(traceparent) ?? [];
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
    ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
  });
}

function split(stored: StoredTrace): [traceparent: string, tracestate?: string] {
  const at = stored.indexOf(' ');
  return at < 0 ? [stored] : [stored.slice(0, at), stored.slice(at + 1)];
}

/** Version 00 is exactly so long; a later one may have more behind. All zeros stand for no trace. */
function isTraceparent(text: string): boolean {
  const [, traceId = '', spanId = '', , more] = TRACEPARENT.exec(text) ?? [];
  return (
    /[1-9a-f]/.test(traceId) && /[1-9a-f]/.test(spanId) && (more === undefined || !text.startsWith('00'))
  );
}
