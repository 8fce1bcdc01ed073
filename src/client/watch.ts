import { EventSourceParserStream, type EventSourceMessage } from 'eventsource-parser/stream';
import type { Task } from '../api/trpc/types.ts';
import type { ErrorCode, Fault } from '../errors.ts';
import type { EventView } from '../wire.ts';
import { isPassing, LovageClientError } from './errors.ts';

export interface Progress {
  current: number;
  total: number | null;
  message: string | null;
}

/** What happens to a task while it is watched. `end` comes once, last, with the task and its result inside. */
export type TaskUpdate<Watched extends Task = Task> =
  | { type: 'event'; event: EventView }
  | { type: 'progress'; progress: Progress; attempt: number }
  | { type: 'end'; task: Watched };

export interface WatchOptions {
  /** Only events after this number. Default: the whole history first. */
  after?: number;
  /** Stops watching; the task goes on. */
  signal?: AbortSignal;
}

export interface Connection {
  url: string;
  apiKey: string;
  fetch?: typeof globalThis.fetch;
}

/** The server says something every 15 s, if only a ping. */
const SILENCE_MS = 40_000;
const MAX_FAILURES = 10;
const RETRY_MS = 500;

/**
 * Follows a task to its end, each event once and in order: a connection that breaks is made again, on whichever node answers,
 * from where it broke. @throws LovageClientError when the server refuses or stays away.
 */
export async function* watchTask(
  connection: Connection,
  id: string,
  { after = 0, signal }: WatchOptions = {},
): AsyncGenerator<TaskUpdate, void> {
  let last = after;
  for (let failures = 0; ;) {
    try {
      for await (const message of listen(connection, id, last, signal)) {
        failures = 0;
        if (message.event === 'error') throw problemOf(JSON.parse(message.data) as Problem);
        const update = updateOf(message);
        if (message.id) last = Number(message.id);
        yield update;
        if (update.type === 'end') return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!isPassing(error) || failures >= MAX_FAILURES) throw error;
    }
    failures += 1;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS * failures));
    signal?.throwIfAborted();
  }
}

async function* listen(
  { url, apiKey, fetch = globalThis.fetch }: Connection,
  id: string,
  after: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<EventSourceMessage, void> {
  const silence = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(new Error(`nothing heard for ${SILENCE_MS} ms`)), SILENCE_MS);
  };
  heard();
  try {
    const response = await fetch(`${url.replace(/\/$/, '')}/v1/tasks/${encodeURIComponent(id)}/stream`, {
      headers: {
        accept: 'text/event-stream',
        authorization: `Bearer ${apiKey}`,
        ...(after > 0 && { 'last-event-id': String(after) }),
      },
      signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
    }).catch(unreachable);
    if (!response.ok || !response.body) throw await refusalOf(response);
    const messages = response.body
      .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
      .pipeThrough(new EventSourceParserStream({ onComment: heard }));
    const reader = messages.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read().catch(unreachable);
        if (done) return;
        heard();
        yield value;
      }
    } finally {
      await reader.cancel().catch(() => undefined);
    }
  } finally {
    clearTimeout(timer);
  }
}

function updateOf({ event, id, data }: EventSourceMessage): TaskUpdate {
  const value: unknown = JSON.parse(data);
  if (event === 'end') return { type: 'end', task: value as Task };
  const seen = value as EventView;
  if (event === 'progress') {
    return { type: 'progress', progress: seen.data as unknown as Progress, attempt: seen.attempt };
  }
  if (id === undefined)
    throw new LovageClientError(`an event of type ${event} came without its number`, { code: 'internal' });
  return { type: 'event', event: seen };
}

interface Problem {
  status: number;
  code?: ErrorCode;
  type: string;
  title: string;
  detail?: string;
  errors?: Fault[];
}

function problemOf({ type, title, detail, status, errors }: Problem): LovageClientError {
  const code = (type.split('/').at(-1) ?? 'internal') as ErrorCode;
  return new LovageClientError(detail ?? title, { code, status, ...(errors && { faults: errors }) });
}

async function refusalOf(response: Response): Promise<LovageClientError> {
  try {
    return problemOf((await response.json()) as Problem);
  } catch (error) {
    return new LovageClientError(`the server answered ${response.status}`, {
      code: 'unreachable',
      status: response.status,
      cause: error,
    });
  }
}

function unreachable(error: unknown): never {
  throw new LovageClientError('the stream broke', { code: 'unreachable', cause: error });
}
