import {
  context,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
} from '@opentelemetry/api';
import { contextOfTrace, remoteContext, storeTrace, type StoredTrace } from './trace-context.ts';

/** Names of attributes are those of OpenTelemetry's semantic conventions for messaging and HTTP; what those lack is `lovage.*`. */
const SYSTEM = { 'messaging.system': 'lovage' };

/** Something that is under way, as a span where an SDK is set up. Costs next to nothing where none is. */
export class Traced {
  /** To go on with elsewhere. */
  readonly trace: StoredTrace | undefined;
  readonly #span: Span;
  readonly #context: Context;

  constructor(name: string, kind: SpanKind, attributes: Attributes, parent: Context) {
    this.#span = trace.getTracer('lovage').startSpan(name, { kind, attributes }, parent);
    this.#context = trace.setSpan(parent, this.#span);
    this.trace = storeTrace(this.#span.spanContext());
  }

  /** Spans that `work` starts are its children. */
  within<Result>(work: () => Result): Result {
    return context.with(this.#context, work);
  }

  /**
   * `error` is a code that stands in error.type, such as `http_500`; messages may hold what is nobody's business. Only the first end
   * counts.
   */
  end(attributes: Attributes = {}, error?: string): void {
    if (!this.#span.isRecording()) return;
    this.#span.setAttributes(attributes);
    if (error !== undefined) {
      this.#span.setAttribute('error.type', error);
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}

interface Sending {
  queue: string;
  name?: string;
  /** Where it is known beforehand; else it is that of the result. */
  id?: string | undefined;
  count?: number;
  trace?: StoredTrace | undefined;
}

/** A task is accepted, or several in one commit. `trace` is where the call came from, unless the code itself runs in one. */
export async function traceSend<Result>(
  { queue, name, id: givenId, count, trace: from }: Sending,
  send: (trace: StoredTrace | undefined) => Promise<Result>,
): Promise<Result> {
  const sending = new Traced(
    `send ${queue}`,
    SpanKind.PRODUCER,
    {
      ...SYSTEM,
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': queue,
      ...(name !== undefined && { 'lovage.task.name': name }),
      ...(count !== undefined && { 'messaging.batch.message_count': count }),
    },
    contextOfTrace(from),
  );
  try {
    const result = await send(sending.trace);
    const id = givenId ?? (result as { id?: unknown } | undefined)?.id;
    sending.end(typeof id === 'string' ? { 'messaging.message.id': id } : {});
    return result;
  } catch (error) {
    sending.end({}, codeOf(error));
    throw error;
  }
}

/** Several in one commit that have nothing to do with each other: each goes on in a trace of its own. */
export function traceSendEach<Task extends Sending, Result>(
  tasks: readonly Task[],
  send: (traced: readonly Task[]) => Promise<Result>,
  traced: readonly Task[] = [],
): Promise<Result> {
  const [next, ...rest] = tasks;
  if (!next) return send(traced);
  return traceSend(next, (trace) => traceSendEach(rest, send, [...traced, { ...next, trace }]));
}

interface TracedClaim {
  id: string;
  queue: string;
  name: string;
  attempt: number;
  trace: StoredTrace | null;
}

/** An attempt goes on with the trace of the call that made its task: so all attempts of a task are in one. */
export const traceAttempt = ({ id, queue, name, attempt, trace: from }: TracedClaim): Traced =>
  new Traced(
    `process ${queue}`,
    SpanKind.CONSUMER,
    {
      ...SYSTEM,
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': queue,
      'messaging.message.id': id,
      'lovage.task.name': name,
      'lovage.task.attempt': attempt,
    },
    remoteContext(from),
  );

/** A POST to a receiver; of its URL only the host is told, for the rest may be a secret. */
export function tracePost(url: string, from: StoredTrace | undefined): Traced {
  const { hostname = '', port, protocol } = URL.parse(url) ?? {};
  const attributes = {
    'http.request.method': 'POST',
    'server.address': hostname,
    'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
  };
  return new Traced('POST', SpanKind.CLIENT, attributes, contextOfTrace(from));
}

/** In a process that is told which attempt it runs for. */
export const withTrace = <Result>(from: StoredTrace | null | undefined, work: () => Result): Result =>
  context.with(remoteContext(from), work);

const codeOf = (error: unknown): string => {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'error';
};
