import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import { WebSocketServer, type WebSocket } from 'ws';
import { LovageError } from '../errors.ts';
import { readTicket } from '../keys/ticket.ts';
import { clientAddress } from '../trusted-proxies.ts';
import type { Caller } from '../wire.ts';
import type { ApiParts, RequestContext } from './context.ts';
import { toLovageError } from './errors.ts';
import { Patience, PATIENCE_MS } from './patience.ts';
import { spendQuota } from './rate-limit.ts';
import { reportError } from './respond.ts';
import { TRPC_ENDPOINT } from './trpc/mount.ts';
import type { Router } from './trpc/router.ts';

const MAX_BATCH = 50;
/** A socket that has not said who it is by then is closed. */
const INTRODUCTION_MS = 10_000;
/** As often a key is looked at again: what was revoked is cut off. */
const RECHECK_MS = 1_500;
const CLOSE_MS = 1_000;
const UNAUTHORIZED = 4401;
const GOING_AWAY = 1001;

export interface WebSockets {
  /** Tells clients to connect again, elsewhere, and ends what they have here. */
  close(): void;
}

/** tRPC over WebSocket at `/trpc`: who calls is said by `connectionParams: {apiKey}`, by headers, or by `?ticket=`. */
export function serveWebSockets(server: Server, parts: ApiParts, router: Router): WebSockets {
  const wss = new WebSocketServer({ noServer: true, maxPayload: parts.maxBodyBytes });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const isOurs = URL.parse(request.url ?? '', 'http://lovage')?.pathname === TRPC_ENDPOINT;
    if (!isOurs || parts.closing.aborted) {
      // Node has let go of this socket: unheard, its breaking off would end the process.
      socket.on('error', () => socket.destroy());
      const status = parts.closing.aborted ? '503 Service Unavailable' : '404 Not Found';
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`, () => socket.destroy());
      return;
    }
    wss.handleUpgrade(request, socket, head, (client) => wss.emit('connection', client, request));
  });
  const introduced = new WeakSet<WebSocket>();
  wss.on('connection', (client: WebSocket) => {
    const timer = setTimeout(() => !introduced.has(client) && client.close(UNAUTHORIZED), INTRODUCTION_MS);
    client.once('close', () => clearTimeout(timer));
  });
  const handler = applyWSSHandler({
    wss,
    router,
    maxBatchSize: MAX_BATCH,
    keepAlive: { enabled: true, pingMs: 15_000, pongWaitMs: 30_000 },
    async createContext({ req, res, info }) {
      const patience = new Patience(PATIENCE_MS);
      const introduction = introductionOf(req, info.connectionParams);
      const check = checkOf(parts, introduction);
      const caller = await patience.spend(check());
      if (!caller) throw new LovageError('unauthorized', UNKNOWN);
      introduced.add(res);
      recheck(check, res);
      const requestId = randomUUID();
      const ip = clientAddress(
        req.socket.remoteAddress,
        req.headers['x-forwarded-for']?.toString(),
        parts.trustedProxies,
      );
      return contextFor(parts, { ...caller, origin: { ip, requestId } }, res, info.signal);
    },
    onError: ({ error }) => reportError(parts.lovage.log, toLovageError(error), 'websocket'),
  });
  return {
    close() {
      handler.broadcastReconnectNotification();
      for (const client of wss.clients) client.close(GOING_AWAY);
      setTimeout(() => wss.clients.forEach((client) => client.terminate()), CLOSE_MS).unref();
    },
  };
}

type Introduction = { ticket: string } | { key: string };

function introductionOf(request: IncomingMessage, params: NodeJS.Dict<string> | null): Introduction {
  const ticket = new URL(request.url ?? '', 'http://lovage').searchParams.get('ticket');
  if (ticket !== null) return { ticket };
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const header = request.headers['x-api-key'];
  return { key: params?.['apiKey'] ?? bearer ?? (typeof header === 'string' ? header : '') };
}

const UNKNOWN = 'Send an API key as connectionParams {apiKey}, or a ticket as ?ticket=';

type Check = () => Promise<Caller | null>;

function checkOf({ authenticator, lovage }: ApiParts, introduction: Introduction): Check {
  if ('key' in introduction) {
    const { key } = introduction;
    return async () => (key === '' ? null : authenticator.authenticate(key));
  }
  const holder = readTicket(lovage, introduction.ticket);
  return () => authenticator.vouchFor(holder);
}

/** Of one connection, which outlives many calls: each gets a patience of its own. */
function contextFor(parts: ApiParts, caller: Caller, client: WebSocket, signal: AbortSignal): RequestContext {
  const patience = () => new Patience(PATIENCE_MS);
  return {
    lovage: parts.lovage,
    caller,
    requestId: caller.origin?.requestId ?? '',
    get patience() {
      return patience();
    },
    // Each message is a call; nobody here reads headers.
    spend: () => patience().spend(spendQuota(parts.lovage, caller, 1, () => undefined)),
    signal,
    closing: parts.closing,
    drained: () => drained(client),
    // The text of a message is not at hand here: its input is looked through always.
    suspicion: { text: true, depth: true },
  };
}

function recheck(check: Check, client: WebSocket): void {
  const timer = setInterval(() => {
    check().then(
      (caller) => caller ?? client.close(UNAUTHORIZED),
      // Postgres is away: that says nothing about the key.
      () => undefined,
    );
  }, RECHECK_MS).unref();
  client.once('close', () => clearInterval(timer));
}

const MAX_BUFFERED_BYTES = 64 * 1024;
const STALLED_MS = 30_000;
const LOOK_MS = 20;

/** A WebSocket takes all that is sent to it and keeps what the network does not take: so whoever sends waits here. */
async function drained(client: WebSocket): Promise<void> {
  const giveUpAt = performance.now() + STALLED_MS;
  while (client.bufferedAmount > MAX_BUFFERED_BYTES && client.readyState === client.OPEN) {
    if (performance.now() > giveUpAt) return client.terminate();
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
