import { configFile, spawnLovage, until, type LabProcess } from '../lab.ts';
import { NODE_COMPILE_CACHE } from '../worker/processes.ts';

const KEY = 'the-root-key-of-an-api-process';

export interface ApiProcess extends LabProcess {
  call(
    method: string,
    path: string,
    options?: { body?: unknown; headers?: Record<string, string> },
  ): Promise<{ status: number; body: { id: string; state: string } }>;
  url: string;
  key: string;
}

/** A real `lovage serve`, once it answers. */
export async function startApiProcess(
  databaseUrl: string,
  more: Record<string, string> = {},
): Promise<ApiProcess> {
  const env = {
    DATABASE_URL: databaseUrl,
    LOVAGE_CONFIG: configFile,
    LOVAGE_API_KEY: KEY,
    PORT: '0',
    NODE_COMPILE_CACHE,
    ...more,
  };
  const started = spawnLovage(['serve'], env);
  const url = await until(
    () => /"url":"([^"]+)"/.exec(started.output())?.[1],
    (found) => found !== undefined || started.child.exitCode !== null,
    40_000,
  );
  if (url === undefined) throw new Error(`the API did not start:\n${started.output()}`);
  return {
    ...started,
    url,
    key: KEY,
    async call(method, path, { body, headers = {} } = {}) {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${KEY}`, ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as { id: string; state: string } };
    },
  };
}
