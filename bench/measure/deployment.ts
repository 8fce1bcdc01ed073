import { randomBytes } from 'node:crypto';
import { freePort } from './free-port.ts';
import { BENCH_CONFIG, spawnLovage, untilReady } from './lovage-process.ts';
import type { MeasuredProcess } from './process.ts';

export interface Api extends AsyncDisposable {
  url: string;
  /** Has every right and needs no database. */
  rootKey: string;
  pid: number;
}

/** A real `lovage serve` process on that database, ready to answer. */
export async function startApi(databaseUrl: string, env: Record<string, string> = {}): Promise<Api> {
  const port = await freePort();
  const rootKey = randomBytes(24).toString('base64url');
  const lovage = spawnLovage(['serve'], {
    DATABASE_URL: databaseUrl,
    LOVAGE_CONFIG: BENCH_CONFIG,
    LOVAGE_API_KEY: rootKey,
    PORT: String(port),
    ...env,
  });
  const url = `http://127.0.0.1:${port}`;
  await untilReady(url, lovage);
  return { url, rootKey, pid: lovage.pid, [Symbol.asyncDispose]: () => lovage.stop() };
}

/** A real `lovage worker` process on that database, as it is by default: all queues, ten slots. */
export const startWorker = (databaseUrl: string): MeasuredProcess =>
  spawnLovage(['worker'], { DATABASE_URL: databaseUrl, LOVAGE_CONFIG: BENCH_CONFIG });
