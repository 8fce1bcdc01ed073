import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { SetupError } from '../errors.ts';
import type { Log } from '../log.ts';
import { type ConnectionLimits, createGuardedServer } from './connections.ts';
import { answerBadRequest } from './refuse-request.ts';
import type { RequestMetrics } from '../metrics/requests.ts';
import type { Site } from './sites.ts';
import { pumpOf } from './sse.ts';
import { serveUpgrades } from './upgrade.ts';

export interface ListenOptions {
  host: string;
  port: number;
  /** Which variable sets this port, for whoever has to choose another one. */
  variable: string;
  /** Whose port it is, where it is a pack's own. */
  pack?: string;
  choose: (request: IncomingMessage) => Site;
  limits: ConnectionLimits;
  /** The longest body that any route here takes. */
  maxBodyBytes: number;
  closing: AbortSignal;
  requests: RequestMetrics;
  log: Log;
}

export interface Listening {
  url: string;
  port: number;
  pack: string | undefined;
  /** Takes no more connections, and cuts after `graceMs` what is still open. */
  close(graceMs: number): Promise<void>;
}

/** Opens one port and answers on it. @throws SetupError when the address cannot be taken. */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { host, limits, maxBodyBytes, choose, closing, log, pack } = options;
  const listener = getRequestListener(answerFrom(choose), { errorHandler: answerBadRequest });
  const server = createGuardedServer(
    (incoming, outgoing) => void listener(incoming, outgoing),
    limits,
    maxBodyBytes,
  );
  server.on('drop', () => log.warn({ limit: limits.maxConnections }, 'too many connections'));
  serveUpgrades(server, closing, (request) => choose(request).doors, options.requests);
  server.listen(options.port, host);
  await once(server, 'listening').catch((error: unknown) => {
    throw explain(error, options);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    pack,
    async close(graceMs) {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(cut);
    },
  };
}

function answerFrom(choose: ListenOptions['choose']) {
  return async (request: Request, bindings: unknown): Promise<Response> => {
    const { incoming, outgoing } = bindings as HttpBindings;
    const response = await choose(incoming).app.fetch(request, bindings as HttpBindings);
    const pump = pumpOf(outgoing);
    if (!pump || request.method === 'HEAD' || !('headersSent' in outgoing)) return response;
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    void pump(outgoing);
    return RESPONSE_ALREADY_SENT;
  };
}

function explain(error: unknown, { host, port, variable }: ListenOptions): SetupError {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE')
    return new SetupError(`port ${port} is in use on ${host}; set ${variable} to another one`);
  if (code === 'EACCES')
    return new SetupError(`port ${port} is not allowed to this user; set ${variable} to 1024 or above`);
  return new SetupError(`cannot listen on ${host}:${port} (${code ?? String(error)})`, { cause: error });
}
