import type { Hono } from 'hono';
import { isReady } from '../db/health.ts';
import type { Authenticator } from '../keys/authenticate.ts';
import type { Lovage } from '../lovage.ts';
import { type Mounts, variablePrefix } from '../mounts.ts';
import type { Settings } from '../settings/settings.ts';
import { type ConnectionLimits, connectionLimits } from './connections.ts';
import type { ApiParts, HttpEnv } from './context.ts';
import { dialectsOf, isOpenIn } from './dialects/parts.ts';
import { largestUpload } from './dialects/upload.ts';
import { listen, type Listening } from './listen.ts';
import { Patience } from './patience.ts';
import { createSites, type Sites } from './sites.ts';

const READY_MS = 2_000;

export interface ApiOptions {
  lovage: Lovage;
  authenticator: Authenticator;
  settings: Pick<Settings, 'host' | 'port' | 'maxBodyBytes' | 'trustedProxies' | 'corsOrigins'> &
    Partial<Pick<Settings, 'metricsOpen'>>;
  /** Where dialects answer beside their prefixes. Default: as the configuration says. */
  mounts?: Mounts;
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
  /** Where each pack's dialect answers: under its prefix, then at roots of its own. */
  dialects: Record<string, string[]>;
  /** Takes no more requests, ends long polls, and cuts after `graceMs` what is still open. */
  close(graceMs: number): Promise<void>;
}

/** Serves tRPC, REST, dialects and docs. @throws SetupError when an address cannot be taken. */
export async function startApi(options: ApiOptions): Promise<Api> {
  const closing = new AbortController();
  const parts = partsOf(options, closing.signal);
  options.lovage.metrics.expose(options.version, options.lovage.pool);
  const sites = createSites(parts);
  const listening: Listening[] = [];
  const close = async (graceMs: number) => {
    closing.abort();
    for (const { doors } of [sites.main, ...sites.ofPacks.values()]) for (const door of doors) door.close();
    await Promise.all(listening.map((one) => one.close(graceMs)));
  };
  try {
    const [main, ...own] = await listenAll(options, parts, sites, listening);
    if (!main) throw new Error('the API has no address');
    const open = dialectsOf(options.lovage.config).filter((pack) => isOpenIn(parts, pack));
    if (open.length > 0)
      options.lovage.log.warn({ packs: open.map(({ name }) => name) }, 'open: these dialects need no key');
    return {
      url: main.url,
      port: main.port,
      app: sites.main.app,
      dialects: addressesOf(parts, main, own),
      close,
    };
  } catch (error) {
    await close(0);
    throw error;
  }
}

function partsOf(options: ApiOptions, closing: AbortSignal): ApiParts {
  const { lovage, authenticator, settings, isWorkerReady, version } = options;
  return {
    lovage,
    authenticator,
    maxBodyBytes: settings.maxBodyBytes,
    trustedProxies: settings.trustedProxies,
    corsOrigins: settings.corsOrigins ?? [],
    metricsOpen: settings.metricsOpen,
    version,
    mounts: options.mounts ?? lovage.config.mounts,
    closing,
    isReady: async () => {
      if (closing.aborted || isWorkerReady?.() === false) return false;
      return new Patience(READY_MS).spend(isReady(lovage)).catch(() => false);
    },
  };
}

/** The API's own port first, then those of packs, each put into `listening` as soon as it is open. */
async function listenAll(
  { settings, limits }: ApiOptions,
  parts: ApiParts,
  sites: Sites,
  listening: Listening[],
): Promise<Listening[]> {
  const { log } = parts.lovage;
  const maxBodyBytes = Math.max(settings.maxBodyBytes, largestUpload(dialectsOf(parts.lovage.config)));
  const shared = {
    host: settings.host,
    closing: parts.closing,
    limits: { ...connectionLimits(maxBodyBytes), ...limits },
    maxBodyBytes,
    requests: parts.lovage.metrics.requests,
    log,
  };
  listening.push(await listen({ ...shared, port: settings.port, variable: 'PORT', choose: sites.choose }));
  for (const [pack, site] of sites.ofPacks) {
    const port = parts.mounts?.get(pack)?.port;
    if (port === undefined) continue;
    const variable = `${variablePrefix(pack)}_PORT`;
    listening.push(await listen({ ...shared, port, variable, pack, choose: () => site }));
  }
  return listening;
}

function addressesOf(
  { lovage, mounts }: ApiParts,
  main: Listening,
  own: readonly Listening[],
): Record<string, string[]> {
  return Object.fromEntries(
    dialectsOf(lovage.config).map(({ name, dialect }) => {
      const host = mounts?.get(name)?.host;
      const ports = own.filter(({ pack }) => pack === name).map(({ url }) => url);
      const hosts = host === undefined ? [] : [`http://${host}:${main.port}`];
      return [name, [`${main.url}${dialect.prefix}`, ...ports, ...hosts]];
    }),
  );
}
