import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import { WebSocketServer, type WebSocket } from 'ws';
import { LovageError } from '../errors.ts';
import { readTicket } from '../keys/ticket.ts';
import { clientAddress } from '../settings/trusted-proxies.ts';
import type { Caller } from '../wire.ts';
import type { ApiParts, RequestContext } from './context.ts';
import { toLovageError } from './errors.ts';
import { Patience, PATIENCE_MS } from './patience.ts';
import { spendQuota } from './rate-limit.ts';
import { reportError } from './respond.ts';
import { drained, recheck, UNAUTHORIZED } from './socket-client.ts';
import { TRPC_ENDPOINT } from './trpc/mount.ts';
import type { Router } from './trpc/router.ts';
import { closeClients, type SocketDoor } from './upgrade.ts';

const MAX_BATCH = 50;
/** A socket that has not said who it is by then is closed. */
const INTRODUCTION_MS = 10_000;

/** tRPC over WebSocket at `/trpc`: who calls is said by `connectionParams: {apiKey}`, by headers, or by `?ticket=`. */
export function createTrpcDoor(parts: ApiParts, router: Router): SocketDoor {
  const wss = new WebSocketServer({ noServer: true, maxPayload: parts.maxBodyBytes });
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
      recheck(check, res, () => res.close(UNAUTHORIZED));
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
    find: (path) => (path === TRPC_ENDPOINT ? wss : undefined),
    close() {
      handler.broadcastReconnectNotification();
      closeClients(wss);
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
