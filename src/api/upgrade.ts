import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocketServer } from 'ws';
import type { RequestMetrics } from '../metrics/requests.ts';

const CLOSE_MS = 1_000;
const GOING_AWAY = 1001;

/** What speaks WebSocket at some paths of a site. */
export interface SocketDoor {
  /** What takes a path; undefined where nothing here does. */
  find(path: string): WebSocketServer | undefined;
  /** Tells clients to connect again, elsewhere. */
  close(): void;
}

/** Lets in what asks for an upgrade at a path that speaks WebSocket. Who it is, is found out behind the door. */
export function serveUpgrades(
  server: Server,
  closing: AbortSignal,
  doorsFor: (request: IncomingMessage) => readonly SocketDoor[],
  requests: RequestMetrics,
): void {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (closing.aborted) return refuse(socket, '503 Service Unavailable');
    const path = URL.parse(request.url ?? '', 'http://lovage')?.pathname ?? '';
    for (const door of doorsFor(request)) {
      const wss = door.find(path);
      if (!wss) continue;
      wss.handleUpgrade(request, socket, head, (client) => {
        client.once('close', requests.openStream('websocket'));
        wss.emit('connection', client, request);
      });
      return;
    }
    refuse(socket, '404 Not Found');
  });
}

function refuse(socket: Duplex, status: string): void {
  // Node has let go of this socket: unheard, its breaking off would end the process.
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`, () => socket.destroy());
}

/** Ends what clients have here; who does not answer in time is cut off. */
export function closeClients({ clients }: WebSocketServer): void {
  for (const client of clients) client.close(GOING_AWAY);
  setTimeout(() => clients.forEach((client) => client.terminate()), CLOSE_MS).unref();
}
