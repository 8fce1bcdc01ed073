import { fileURLToPath } from 'node:url';
import { startProcess, type MeasuredProcess } from './process.ts';
import { until } from './until.ts';

export const BENCH_CONFIG = fileURLToPath(new URL('../lovage.config.ts', import.meta.url));

/** A real `lovage` process, started as `npm run lovage` and `npm start` do. */
export const spawnLovage = (args: readonly string[], env: Record<string, string>): MeasuredProcess =>
  startProcess(['--conditions=lovage-source', 'bin/lovage.js', ...args], {
    LOVAGE_LOG_LEVEL: 'warn',
    ...env,
  });

/** Resolves when the API answers that it is ready to work. */
export async function untilReady(url: string, lovage: MeasuredProcess): Promise<void> {
  const isReady = async () => {
    const answer = await fetch(`${url}/readyz`);
    await answer.text();
    return answer.ok;
  };
  const ready = until(`${url}/readyz`, () => isReady().catch(() => false), { withinMs: 60_000, everyMs: 10 });
  await lovage.during(ready);
}
