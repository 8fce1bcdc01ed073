import { LovageError } from '../errors.ts';

/** Under the 5 s that callers are promised while Postgres is away. */
export const PATIENCE_MS = 4_700;

const MESSAGE =
  'Postgres does not answer; the request may have been carried out: look before it is sent again';

/**
 * How long one request may wait for Postgres in all, the upload of its body and its long polls left out. Connecting
 * and querying have timeouts of their own, but a request does both several times, and must still be answered in 5 s.
 */
export class Patience {
  #leftMs: number;

  constructor(ms: number) {
    this.#leftMs = ms;
  }

  async spend<Answer>(work: Promise<Answer>): Promise<Answer> {
    const startedAt = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new LovageError('queue-unavailable', MESSAGE, { retryAfter: 2 }));
      }, this.#leftMs);
    });
    try {
      return await Promise.race([work, over]);
    } finally {
      clearTimeout(timer);
      this.#leftMs = Math.max(0, this.#leftMs - (performance.now() - startedAt));
    }
  }
}
