import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, type Registry } from 'prom-client';
import { show } from './show.ts';

const RESOLUTION_MS = 20;
const WINDOW_MS = 10_000;
const NS_PER_S = 1e9;

/** Numbers of this process itself. The loop's lag is that of the last ten seconds, whoever asks and however often. */
export function watchProcess(registry: Registry): void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const lag = { p50: 0, p99: 0, max: 0 };
  const roll = (): void => {
    // What it measures is the time between two looks, which are a resolution apart.
    const over = (ns: number) => Math.max(0, ns / NS_PER_S - RESOLUTION_MS / 1000);
    Object.assign(lag, {
      p50: over(delay.percentile(50)),
      p99: over(delay.percentile(99)),
      max: over(delay.max),
    });
    delay.reset();
  };
  setInterval(roll, WINDOW_MS).unref();
  const gauge = (name: string, help: string, value: () => number): void =>
    show(registry, { name, help, fill: (shown) => shown.set(value()) });
  for (const which of ['p50', 'p99', 'max'] as const) {
    const help = `How late the event loop was in ten seconds: ${which}`;
    gauge(`lovage_event_loop_lag_${which}_seconds`, help, () => lag[which]);
  }
  gauge('process_resident_memory_bytes', 'Resident memory', () => process.memoryUsage.rss());
  const startedAt = Math.round(Date.now() / 1000 - process.uptime());
  gauge('process_start_time_seconds', 'Start of the process since the Unix epoch', () => startedAt);
  const cpu = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'CPU time, of the system and of the user',
    registers: [],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  registry.registerMetric(cpu);
}
