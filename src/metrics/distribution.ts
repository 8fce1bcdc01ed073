import { Histogram, type Registry } from 'prom-client';

interface DistributionOptions {
  name: string;
  help: string;
  labels: readonly string[];
  /** Upper bounds, ascending. */
  buckets: readonly number[];
  registry: Registry;
}

/** From 5 ms to an hour. */
export const TASK_SECONDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600,
];
/** Of what a person or another server waits for. */
export const CALL_SECONDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];
/** Requests may wait for a task, up to five minutes. */
export const REQUEST_SECONDS: readonly number[] = [...CALL_SECONDS, 120, 300, 600];
export const GROUP_SIZES: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200];

/** A histogram of two labels at most that costs its caller a look-up and a short search: prom-client's own takes some 3 µs. */
export class Distribution {
  readonly #series = new Map<string, Map<string, Float64Array>>();
  readonly #buckets: readonly number[];

  constructor({ name, help, labels, buckets, registry }: DistributionOptions) {
    this.#buckets = buckets;
    const values = () => this.#values(name, labels);
    registry.registerMetric(
      new Filled({ name, help, labelNames: [...labels], buckets: [...buckets] }, values),
    );
  }

  record(value: number, first = '', second = ''): void {
    let group = this.#series.get(first);
    if (group === undefined) this.#series.set(first, (group = new Map<string, Float64Array>()));
    let counts = group.get(second);
    // One a bucket, one for what is beyond all, one for the sum.
    if (counts === undefined) group.set(second, (counts = new Float64Array(this.#buckets.length + 2)));
    let at = 0;
    while (at < this.#buckets.length && value > (this.#buckets[at] ?? 0)) at += 1;
    counts[at] = (counts[at] ?? 0) + 1;
    counts[counts.length - 1] = (counts.at(-1) ?? 0) + value;
  }

  #values(name: string, [first, second]: readonly string[]): Sample[] {
    const samples: Sample[] = [];
    for (const [one, group] of this.#series) {
      for (const [other, counts] of group) {
        const labels = { ...(first && { [first]: one }), ...(second && { [second]: other }) };
        let total = 0;
        for (const [at, bound] of [...this.#buckets, '+Inf'].entries()) {
          total += counts[at] ?? 0;
          samples.push({ metricName: `${name}_bucket`, labels: { le: bound, ...labels }, value: total });
        }
        samples.push({ metricName: `${name}_sum`, labels, value: counts.at(-1) ?? 0 });
        samples.push({ metricName: `${name}_count`, labels, value: total });
      }
    }
    return samples;
  }
}

interface Sample {
  metricName: string;
  labels: Record<string, string | number>;
  value: number;
}

/** Shows what was recorded elsewhere. */
class Filled extends Histogram {
  readonly #show: () => ReturnType<Histogram['get']>;

  constructor(options: ConstructorParameters<typeof Histogram>[0], samples: () => Sample[]) {
    super({ ...options, registers: [] });
    const { name, help } = options;
    const fixed = {
      name,
      help,
      type: 'histogram' as never,
      aggregator: 'sum' as const,
      collect: () => undefined,
    };
    this.#show = async () => ({ ...fixed, values: samples() });
  }

  override get(): ReturnType<Histogram['get']> {
    return this.#show();
  }

  /** What its registry asks. */
  getForPromString(): ReturnType<Histogram['get']> {
    return this.#show();
  }
}
