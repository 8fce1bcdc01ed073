import { Gauge, type Registry } from 'prom-client';

export interface Shown {
  name: string;
  help: string;
  labels?: readonly string[];
  fill: (gauge: Gauge) => void;
}

/** A gauge that is read when somebody asks. */
export function show(registry: Registry, { name, help, labels = [], fill }: Shown): void {
  const gauge = new Gauge({
    name,
    help,
    labelNames: [...labels],
    registers: [],
    collect() {
      this.reset();
      fill(this);
    },
  });
  registry.registerMetric(gauge);
}
