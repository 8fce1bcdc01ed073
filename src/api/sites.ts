import type { IncomingMessage } from 'node:http';
import type { Hono } from 'hono';
import { createApp, createDialectApp } from './app.ts';
import type { ApiParts, HttpEnv } from './context.ts';
import { createSocketDoor } from './dialects/socket-door.ts';
import { dialectParts, dialectsOf } from './dialects/parts.ts';
import { requestedHost } from './requested-host.ts';
import { createRouter } from './trpc/router.ts';
import { createTrpcDoor } from './ws.ts';
import type { SocketDoor } from './upgrade.ts';

/** What answers at one root. */
export interface Site {
  app: Hono<HttpEnv>;
  /** What speaks WebSocket there. */
  doors: readonly SocketDoor[];
}

export interface Sites {
  /** Lovage's own API, with every dialect under its prefix. */
  main: Site;
  /** A pack's dialect alone, for every pack that has a port or a host name of its own. */
  ofPacks: ReadonlyMap<string, Site>;
  /** Of the requests that come to the API's port, by the host name that they ask for. */
  choose: (request: IncomingMessage) => Site;
}

export function createSites(parts: ApiParts): Sites {
  const router = createRouter(parts.lovage.config);
  const packs = dialectsOf(parts.lovage.config);
  const main: Site = {
    app: createApp(parts, router),
    doors: [
      createTrpcDoor(parts, router),
      ...packs.map((pack) => createSocketDoor(dialectParts(parts, router, pack, pack.dialect.prefix))),
    ],
  };
  const ofPacks = new Map<string, Site>();
  const byHost = new Map<string, Site>();
  for (const pack of packs) {
    const { port, host } = parts.mounts?.get(pack.name) ?? {};
    if (port === undefined && host === undefined) continue;
    const site: Site = {
      app: createDialectApp(parts, router, pack),
      doors: [createSocketDoor(dialectParts(parts, router, pack, ''))],
    };
    ofPacks.set(pack.name, site);
    if (host !== undefined) byHost.set(host, site);
  }
  return {
    main,
    ofPacks,
    choose: (request) =>
      byHost.size === 0 ? main : (byHost.get(requestedHost(request, parts.trustedProxies) ?? '') ?? main),
  };
}
