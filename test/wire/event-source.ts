import { follow, type Block, type OpenStream } from './sse.ts';

/** As much of a browser's EventSource as tRPC's link uses, over fetch: it comes back by itself when the connection is lost. */
export class TestEventSource extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSED = 2;
  /** All that were made; tests cut their connections. */
  static readonly all: TestEventSource[] = [];

  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSED = 2;
  readonly url: string;
  readonly withCredentials = false;
  readyState: 0 | 1 | 2 = 0;
  onopen = null;
  onmessage = null;
  onerror = null;
  readonly #key: string | undefined;
  #stream: OpenStream | undefined;
  #lastEventId = '';

  constructor(url: string | URL, init?: { key?: string }) {
    super();
    this.url = String(url);
    this.#key = init?.key;
    TestEventSource.all.push(this);
    void this.#run();
  }

  /** The connection breaks, as networks do it. */
  cut(): void {
    this.#stream?.close();
  }

  close(): void {
    this.readyState = 2;
    this.#stream?.close();
  }

  get #isClosed(): boolean {
    return this.readyState === 2;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      const lastEventId = this.#lastEventId === '' ? undefined : this.#lastEventId;
      const onBlock = ({ id, event, data }: Block) => {
        this.#lastEventId = id;
        this.dispatchEvent(new MessageEvent(event, { data: JSON.stringify(data), lastEventId: id }));
      };
      const stream = await follow(this.url, { key: this.#key, lastEventId, onBlock }).catch(() => undefined);
      this.#stream = stream;
      await stream?.ended;
      // Whoever closed it hears no more.
      if (this.#isClosed) return;
      // As the standard has it: an answer other than 200 is the end.
      this.readyState = stream && stream.status !== 200 ? 2 : 0;
      this.dispatchEvent(new Event('error'));
      // The reconnection time of the standard, kept short.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
