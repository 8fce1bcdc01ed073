/** What wakes one watcher: rung any number of times before it listens, it is heard once. */
export class Bell {
  #isRung = false;
  #broken: { error: unknown } | undefined;
  #listening: (() => void) | undefined;

  readonly ring = (): void => {
    this.#isRung = true;
    this.#listening?.();
  };

  /** Whoever listens, now or later, gets this error. */
  break(error: unknown): void {
    this.#broken ??= { error };
    this.#listening?.();
  }

  /** True when it rang since it was last heard; false when `withinMs` are over. */
  async heard(withinMs: number): Promise<boolean> {
    if (!this.#isRung && !this.#broken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, withinMs);
        this.#listening = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#listening = undefined;
    }
    if (this.#broken) throw this.#broken.error;
    const isRung = this.#isRung;
    this.#isRung = false;
    return isRung;
  }
}
