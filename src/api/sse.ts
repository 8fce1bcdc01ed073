import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
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

/** Writes the body of an answer whose head is out. */
export type Pump = (outgoing: ServerResponse) => Promise<void>;

const pumps = new WeakMap<object, Pump>();

/** What is to be written to this answer once its head is out. */
export const pumpOf = (outgoing: object): Pump | undefined => pumps.get(outgoing);

/**
 * Answers with a block for each frame as it comes. The body is written past the web streams and without the request's
 * context, which would stay for as long as it: that is most of what an open stream costs.
 */
export function respondWithSse<Frame>(
  c: HttpContext,
  frames: AsyncIterable<Frame, void>,
  options: { toBlock: (frame: Frame) => SseBlock; onError: (error: LovageError, requestId: string) => void },
): Response {
  const { requestId } = c.var;
  const { toBlock, onError } = options;
  pumps.set(c.env.outgoing, async (outgoing) => {
    try {
      await writeBlock(outgoing, `retry: ${RETRY_MS}\n\n`);
      for await (const frame of frames) await writeBlock(outgoing, write(toBlock(frame)));
    } catch (thrown) {
      if (!isBrokenOff(thrown) && !outgoing.destroyed) {
        const error = toLovageError(thrown);
        onError(error, requestId);
        outgoing.write(writeError(error, requestId));
      }
    }
    outgoing.end();
  });
  return c.body(null, 200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    // Its connection ends with it, so that a closing server need not wait for another request on it.
    Connection: 'close',
    'X-Accel-Buffering': 'no',
  });
}

/** The next one is asked for when the socket has taken this one: a slow reader costs one block and a page. */
async function writeBlock(outgoing: ServerResponse, text: string): Promise<void> {
  if (outgoing.destroyed) throw brokenOff();
  if (outgoing.write(text)) return;
  const stalled = setTimeout(() => outgoing.destroy(), STALLED_MS);
  const done = new AbortController();
  try {
    await Promise.race([once(outgoing, 'drain', done), once(outgoing, 'close', done)]);
  } finally {
    clearTimeout(stalled);
    done.abort();
  }
}

const brokenOff = () => new DOMException('The caller has hung up', 'AbortError');

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
