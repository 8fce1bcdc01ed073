import { type IncomingMessage } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import type { SocketRoute } from '../../dialect.ts';
import { closeClients, type SocketDoor } from '../upgrade.ts';
import { createIdentification } from './identify-visitor.ts';
import type { DialectParts } from './parts.ts';
import { compilePath } from './path.ts';
import { tellTask } from './tell-task.ts';
import type { Visit } from './visit.ts';

/** Nobody here says anything to us that counts. */
const MAX_MESSAGE_BYTES = 4_096;

/** The WebSockets of one mount of a dialect. */
export function createSocketDoor(shared: DialectParts): SocketDoor {
  const { base, pack } = shared;
  const wss = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
  const sockets = pack.dialect.routes
    .filter((route): route is SocketRoute => route.kind === 'socket')
    .flatMap((route) => {
      const identify = createIdentification(shared, route);
      return [route.path, ...(route.aliases ?? [])].map((path) => ({
        route,
        identify,
        path: compilePath(path),
      }));
    });
  const find = (pathname: string) => {
    if (!pathname.startsWith(`${base}/`)) return undefined;
    for (const socket of sockets) {
      const params = socket.path.read(pathname.slice(base.length));
      if (params) return { ...socket, params };
    }
    return undefined;
  };
  wss.on('connection', (client: WebSocket, request: IncomingMessage) => {
    // What breaks a rule of the protocol is closed by ws itself; unheard, it would end the process.
    client.on('error', () => undefined);
    const url = new URL(request.url ?? '', 'http://lovage');
    const found = find(url.pathname);
    if (!found) return client.terminate();
    const visit = visitOf(request, url, base, found.params);
    void tellTask({
      shared,
      route: found.route,
      client,
      visit,
      identify: () => found.identify(visit),
    });
  });
  return {
    find: (pathname) => (find(pathname) ? wss : undefined),
    close: () => closeClients(wss),
  };
}

const visitOf = (
  { headers }: IncomingMessage,
  { pathname, searchParams }: URL,
  base: string,
  params: Record<string, string>,
): Visit => ({
  path: pathname.slice(base.length),
  params,
  search: searchParams,
  header: (name) => headers[name.toLowerCase()]?.toString(),
});
