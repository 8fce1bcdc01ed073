import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Hono } from 'hono';
import { isReady } from '../db/health.ts';
import { SetupError } from '../errors.ts';
import type { Authenticator } from '../keys/authenticate.ts';
import type { Lovage } from '../lovage.ts';
import type { Settings } from '../settings.ts';
import { createApp } from './app.ts';
import { type ConnectionLimits, connectionLimits, createGuardedServer } from './connections.ts';
import type { ApiParts, HttpEnv } from './context.ts';
import { Patience } from './patience.ts';
import { answerBadRequest } from './refuse-request.ts';
import { pumpOf } from './sse.ts';
import { createRouter } from './trpc/router.ts';
import { serveWebSockets } from './ws.ts';

const READY_MS = 2_000;

export interface ApiOptions {
  lovage: Lovage;
  authenticator: Authenticator;
  settings: Pick<Settings, 'host' | 'port' | 'maxBodyBytes' | 'trustedProxies' | 'corsOrigins'>;
  /** Instead of the usual ones. */
  limits?: Partial<ConnectionLimits>;
  /** Given where this process runs a worker too. */
  isWorkerReady?: () => boolean;
  version: string;
}

export interface Api {
  url: string;
  port: number;
  app: Hono<HttpEnv>;
  /** Takes no more requests, ends long polls, and cuts after `graceMs` what is still open. */
  close(graceMs: number): Promise<void>;
}

/** Serves tRPC, REST, dialects and docs. @throws SetupError when the address cannot be taken. */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { lovage, authenticator, settings, isWorkerReady, version } = options;
  const closing = new AbortController();
  const parts: ApiParts = {
    lovage,
    authenticator,
    maxBodyBytes: settings.maxBodyBytes,
    trustedProxies: settings.trustedProxies,
    corsOrigins: settings.corsOrigins ?? [],
    version,
    closing: closing.signal,
    isReady: async () => {
      if (closing.signal.aborted || isWorkerReady?.() === false) return false;
      return new Patience(READY_MS).spend(isReady(lovage)).catch(() => false);
    },
  };
  const app = createApp(parts);

  const fetch = async (request: Request, bindings: unknown) => {
    const { outgoing } = bindings as HttpBindings;
    const response = await app.fetch(request, bindings as HttpBindings);
    const pump = pumpOf(outgoing);
    if (!pump || request.method === 'HEAD' || !('headersSent' in outgoing)) return response;
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    void pump(outgoing);
    return RESPONSE_ALREADY_SENT;
  };
  const listener = getRequestListener(fetch, { errorHandler: answerBadRequest });
  const limits = { ...connectionLimits(settings.maxBodyBytes), ...options.limits };
  const server = createGuardedServer(
    (incoming, outgoing) => void listener(incoming, outgoing),
    limits,
    settings.maxBodyBytes,
  );
  server.on('drop', () => lovage.log.warn({ limit: limits.maxConnections }, 'too many connections'));
  const sockets = serveWebSockets(server, parts, createRouter(lovage.config));
  server.listen(settings.port, settings.host);
  await once(server, 'listening').catch((error: unknown) => {
    throw explainListen(error, settings);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${port}`,
    port,
    app,
    async close(graceMs) {
      if (!server.listening) return;
      closing.abort();
      sockets.close();
      const closed = once(server, 'close');
      server.close();
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(cut);
    },
  };
}

function explainListen(error: unknown, { host, port }: ApiOptions['settings']): SetupError {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE')
    return new SetupError(`port ${port} is in use on ${host}; set PORT to another one`);
  if (code === 'EACCES')
    return new SetupError(`port ${port} is not allowed to this user; set PORT to 1024 or above`);
  return new SetupError(`cannot listen on ${host}:${port} (${code ?? String(error)})`, { cause: error });
}
