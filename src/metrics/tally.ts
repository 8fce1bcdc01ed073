import { Counter, type Registry } from 'prom-client';

/** Names that are not known are one: what callers send must not grow the list of series. */
export const OTHER = 'other';

interface TallyOptions {
  name: string;
  help: string;
  labels: readonly string[];
  registry: Registry;
}

/**
 * A counter that costs its caller two look-ups and an addition: prom-client's own takes some 2 µs, several of which a task would
 * be felt. What was counted is handed over when somebody asks.
 */
export class Tally {
  readonly #series = new Map<string, Map<string, number>>();

  constructor({ name, help, labels, registry }: TallyOptions) {
    const series = this.#series;
    const [first = 'name', second] = labels;
    const counter = new Counter({
      name,
      help,
      labelNames: [...labels],
      registers: [],
      collect() {
        this.reset();
        for (const [one, counts] of series) {
          for (const [other, count] of counts)
            this.inc(second === undefined ? { [first]: one } : { [first]: one, [second]: other }, count);
        }
      },
    });
    registry.registerMetric(counter);
  }

  add(first: string, second = '', count = 1): void {
    let counts = this.#series.get(first);
    if (counts === undefined) this.#series.set(first, (counts = new Map<string, number>()));
    counts.set(second, (counts.get(second) ?? 0) + count);
  }
}
