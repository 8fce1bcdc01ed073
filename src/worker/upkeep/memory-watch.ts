import type { Log } from '../../log.ts';

const EVERY_MS = 1_000;
/** One measurement may meet a peak that the next collection clears. */
const IN_A_ROW = 5;

/** Resolves once this process has used more than so much memory for some seconds. */
export function outgrows(maxMb: number, log: Log): Promise<void> {
  let above = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const rssMb = Math.round(process.memoryUsage.rss() / 1024 ** 2);
      above = rssMb > maxMb ? above + 1 : 0;
      if (above < IN_A_ROW) return;
      clearInterval(timer);
      log.warn({ rssMb, maxMb }, 'the worker has outgrown its memory: it ends, for a fresh one to take over');
      resolve();
    }, EVERY_MS);
    timer.unref();
  });
}
