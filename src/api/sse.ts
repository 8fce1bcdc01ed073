import type { LovageError } from '../errors.ts';
import type { HttpContext } from './context.ts';
import { toLovageError } from './errors.ts';
import { toProblem } from './problem.ts';

/** How long an EventSource waits before it comes back. */
const RETRY_MS = 1_000;
/** After the end there is nothing to come back for. */
const RETRY_AFTER_END_MS = 24 * 60 * 60 * 1000;
/** Whoever takes nothing for so long is cut off. */
const STALLED_MS = 30_000;

/** One block of text/event-stream. Without an event it only sets the id, or is a comment. */
export interface SseBlock {
  id?: string;
  event?: string;
  data?: unknown;
}

/**
 * Answers with blocks as they come. The next one is asked for when the socket has taken the one before, so a slow reader
 * costs one block and what its source holds. An error becomes a last block: the status has long been sent.
 */
export function respondWithSse(
  c: HttpContext,
  blocks: AsyncGenerator<SseBlock, void>,
  onError: (error: LovageError) => void,
): Response {
  const encoder = new TextEncoder();
  let stalled: NodeJS.Timeout | undefined;
  let isFirst = true;

  async function next(): Promise<string | undefined> {
    if (isFirst) {
      isFirst = false;
      return `retry: ${RETRY_MS}\n\n`;
    }
    const { done, value } = await blocks.next();
    return done ? undefined : write(value);
  }
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        clearTimeout(stalled);
        try {
          const text = await next();
          if (text === undefined) return controller.close();
          controller.enqueue(encoder.encode(text));
          stalled = setTimeout(() => c.env.outgoing.destroy(), STALLED_MS);
        } catch (thrown) {
          if (!isBrokenOff(thrown)) {
            const error = toLovageError(thrown);
            onError(error);
            controller.enqueue(encoder.encode(writeError(error, c.var.requestId)));
          }
          controller.close();
        }
      },
      async cancel() {
        clearTimeout(stalled);
        await blocks.return();
      },
    },
    { highWaterMark: 0 },
  );
  return c.body(body, 200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    // Its connection ends with it, so that a closing server need not wait for another request on it.
    Connection: 'close',
    'X-Accel-Buffering': 'no',
  });
}

function write({ id, event, data }: SseBlock): string {
  const lines = [
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(event === undefined ? [': ping'] : [`event: ${event}`, `data: ${JSON.stringify(data)}`]),
    ...(event === 'end' ? [`retry: ${RETRY_AFTER_END_MS}`] : []),
  ];
  return `${lines.join('\n')}\n\n`;
}

function writeError(error: LovageError, requestId: string): string {
  const { code, retryAfter } = error;
  const problem = { ...toProblem(error, requestId), code, ...(retryAfter !== undefined && { retryAfter }) };
  const retryMs = (retryAfter ?? 1) * 1000;
  // Not all at the same moment: there may be thousands.
  const retry = Math.round(retryMs * (1 + Math.random()));
  return `event: error\nretry: ${retry}\ndata: ${JSON.stringify(problem)}\n\n`;
}

const isBrokenOff = (thrown: unknown): boolean => thrown instanceof Error && thrown.name === 'AbortError';
