/** How long a wish to watch holds; whoever has it renews it well before. */
export const WATCH_MS = 10_000;
/** In place of ids: every task there is. */
export const ALL = '*';

/** Which tasks somebody watches, here or in another process: what happens to those is announced, and nothing else. */
export class Watched {
  readonly #untilById = new Map<string, number>();
  #allUntil = 0;
  #newestUntil = 0;

  /** Takes in one wish: ids by comma, or `*`. */
  hear(payload: string): void {
    const now = performance.now();
    this.#newestUntil = now + WATCH_MS;
    if (payload === ALL) {
      this.#allUntil = this.#newestUntil;
      return;
    }
    for (const [id, until] of this.#untilById) if (until < now) this.#untilById.delete(id);
    for (const id of payload.split(',')) this.#untilById.set(id, this.#newestUntil);
  }

  /** False nearly always: what is not looked at must cost nothing. */
  get isAny(): boolean {
    return this.#newestUntil > performance.now();
  }

  get isAll(): boolean {
    return this.#allUntil > performance.now();
  }

  has(id: string): boolean {
    return (this.#untilById.get(id) ?? 0) > performance.now();
  }
}
