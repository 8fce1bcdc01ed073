import { mkdtemp, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient, type Client } from 'lovage/client';
import type config from '../../lovage.config.ts';
import type { Bench } from '../bench.ts';
import { startApi } from '../measure/deployment.ts';
import { spawnLovage } from '../measure/lovage-process.ts';
import type { MeasuredProcess } from '../measure/process.ts';

export interface Systems extends AsyncDisposable {
  /** POSTs JSON (bytes as they are) or a form, waits for the answer and returns what it says. @throws unless it is a success. */
  post: <Answer>(path: string, body: unknown) => Promise<Answer>;
  client: Client<typeof config>;
  startWorker: () => MeasuredProcess;
}

/** The API with all four systems on a database of their own; workers are started apart. */
export async function openSystems(bench: Bench): Promise<Systems> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await bench.server.clone());
  const folder = await mkdtemp(join(tmpdir(), 'lovage-bench-systems-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const env = {
    LOVAGE_CONFIG: fileURLToPath(new URL('../../lovage.config.ts', import.meta.url)),
    LOVAGE_DIAG: '1',
    LOVAGE_SECRET: randomBytes(32).toString('base64url'),
    VISUALS_STORE_DIR: folder,
  };
  const api = stack.use(await startApi(database.url, env));
  const ending = stack.move();
  return {
    client: createClient<typeof config>({ url: api.url, apiKey: api.rootKey }),
    async post<Answer>(path: string, body: unknown) {
      const isReady = body instanceof FormData || body instanceof Uint8Array;
      const response = await fetch(new URL(path, api.url), {
        method: 'POST',
        headers: {
          authorization: `Bearer ${api.rootKey}`,
          ...(body instanceof FormData ? {} : { 'content-type': 'application/json' }),
        },
        body: isReady ? (body as BodyInit) : JSON.stringify(body),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${text.slice(0, 300)}`);
      return JSON.parse(text) as Answer;
    },
    startWorker: () => ending.use(spawnLovage(['worker'], { DATABASE_URL: database.url, ...env })),
    [Symbol.asyncDispose]: () => ending.disposeAsync(),
  };
}
