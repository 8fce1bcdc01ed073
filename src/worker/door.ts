import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ERROR_CODES, LovageError, SetupError } from '../errors.ts';
import type { ScrapeGuard } from '../keys/scrape.ts';
import type { Metrics } from '../metrics/metrics.ts';

interface DoorOptions {
  host: string;
  port: number;
  metrics: Metrics;
  admit: ScrapeGuard;
  isReady: () => boolean;
  version: string;
}

export interface Door {
  url: string;
  close(): Promise<void>;
}

interface Reply {
  status: number;
  contentType: string;
  body: string;
}

/** What probes and Prometheus ask a worker, which serves nothing else: /healthz, /readyz and /metrics. @throws SetupError */
export async function openWorkerDoor(options: DoorOptions): Promise<Door> {
  const { host, port } = options;
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (incoming, outgoing) => {
    void respond(options, incoming, outgoing);
  });
  server.maxConnections = 100;
  server.listen(port, host);
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    throw new SetupError(`LOVAGE_METRICS_PORT: cannot listen on ${host}:${port} (${error.code})`, {
      cause: error,
    });
  });
  // A worker that has nothing else to do may end.
  server.unref();
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function respond(
  options: DoorOptions,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { status, contentType, body } = await answer(options, incoming);
  outgoing.writeHead(status, {
    'Content-Type': contentType,
    'Cache-Control': 'no-store',
    ...(status === 401 && { 'WWW-Authenticate': 'Bearer' }),
  });
  outgoing.end(incoming.method === 'HEAD' ? undefined : body);
}

async function answer(options: DoorOptions, incoming: IncomingMessage): Promise<Reply> {
  const path = URL.parse(incoming.url ?? '', 'http://lovage')?.pathname;
  const { version, isReady } = options;
  try {
    if (incoming.method !== 'GET' && incoming.method !== 'HEAD')
      throw new LovageError('method-not-allowed', 'a worker is only looked at');
    if (path === '/healthz') return json(200, { status: 'ok', version });
    if (path === '/readyz') {
      if (isReady()) return json(200, { status: 'ready', version });
      throw new LovageError('queue-unavailable', 'Postgres is missing, or the worker drains');
    }
    if (path !== '/metrics') throw new LovageError('not-found', `There is nothing at ${path}`);
    await options.admit(/^Bearer +(\S+)$/i.exec(incoming.headers.authorization ?? '')?.[1]);
    const { contentType, body } = await options.metrics.write(incoming.headers.accept);
    return { status: 200, contentType, body };
  } catch (error) {
    const { code, message } =
      error instanceof LovageError
        ? error
        : new LovageError('queue-unavailable', 'The key cannot be checked now');
    const { status } = ERROR_CODES[code];
    return json(
      status,
      { title: ERROR_CODES[code].title, status, detail: message },
      'application/problem+json',
    );
  }
}

const json = (status: number, body: object, contentType = 'application/json'): Reply => ({
  status,
  contentType,
  body: JSON.stringify(body),
});
