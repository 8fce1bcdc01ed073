import { until } from '../lab.ts';

/** One dispatched block of text/event-stream. */
export interface Block {
  /** The last id that was set, by this block or one before. */
  id: string;
  event: string;
  data: {
    number: number | null;
    type: string;
    state: string;
    data: Record<string, unknown>;
    task: { id: string };
  } & Record<string, unknown>;
}

export interface OpenStream extends AsyncDisposable {
  status: number;
  headers: Headers;
  blocks: Block[];
  /** What a client would come back with. */
  lastEventId: () => string;
  /** All that came. */
  text: () => string;
  /** Resolves when the server ends it or the connection breaks. */
  ended: Promise<void>;
  close(): void;
}

/** Follows a stream as EventSource does. */
export async function follow(
  url: string,
  options: {
    key?: string | undefined;
    lastEventId?: string | undefined;
    onBlock?: (block: Block) => void;
  } = {},
): Promise<OpenStream> {
  const stop = new AbortController();
  const response = await fetch(url, {
    signal: stop.signal,
    headers: {
      ...(options.key !== undefined && { authorization: `Bearer ${options.key}` }),
      ...(options.lastEventId !== undefined && { 'last-event-id': options.lastEventId }),
    },
  });
  const blocks: Block[] = [];
  let [text, rest, id] = ['', '', options.lastEventId ?? ''];
  const take = (block: string) => {
    const lines = block.split('\n').map((line) => line.split(/: ?(.*)/s));
    const field = (name: string) => lines.find(([found]) => found === name)?.[1];
    id = field('id') ?? id;
    const data = field('data');
    if (data === undefined) return;
    const dispatched = { id, event: field('event') ?? 'message', data: parse(data) as Block['data'] };
    blocks.push(dispatched);
    options.onBlock?.(dispatched);
  };
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      const piece = decoder.decode(chunk, { stream: true });
      text += piece;
      const parts = (rest + piece).split('\n\n');
      rest = parts.pop() ?? '';
      parts.forEach(take);
    }
  };
  const ended = read().catch(() => undefined);
  return {
    status: response.status,
    headers: response.headers,
    blocks,
    lastEventId: () => id,
    text: () => text,
    ended,
    close: () => stop.abort(),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

/** Waits for a block of this type. */
export const untilBlock = (stream: OpenStream, event: string, count = 1): Promise<Block[]> =>
  until(
    () => stream.blocks.filter((block) => block.event === event),
    (found) => found.length >= count,
  );

/** tRPC sends some of its own blocks with data that is empty. */
const parse = (data: string): unknown => (data === '' ? '' : JSON.parse(data));
