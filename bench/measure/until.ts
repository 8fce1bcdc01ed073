import { setTimeout as pause } from 'node:timers/promises';

/** Asks until the answer is something. @throws Error naming what did not come in time. */
export async function until<Value>(
  what: string,
  look: () => Promise<Value | undefined | null | false>,
  options: { withinMs: number; everyMs: number },
): Promise<Value> {
  const deadline = performance.now() + options.withinMs;
  for (;;) {
    const value = await look();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${options.withinMs} ms`);
    await pause(options.everyMs);
  }
}
