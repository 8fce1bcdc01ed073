import type { Problem } from '../../src/api/problem.ts';
import type { Config } from '../../src/config.ts';
import { startApi, type Api, type ApiOptions } from '../../src/api/server.ts';
import { createAuthenticator } from '../../src/keys/authenticate.ts';
import { createKey } from '../../src/keys/create.ts';
import { loadConfig } from '../../src/load-config.ts';
import { createLog, type Log } from '../../src/log.ts';
import type { Lovage } from '../../src/lovage.ts';
import { migrateFor, openLovage } from '../../src/open.ts';
import { SCOPES, type Caller, type CancelOutcome, type Scope, type TaskView } from '../../src/wire.ts';
import type { TrustedProxies } from '../../src/settings/trusted-proxies.ts';
import { openLab, type Lab } from '../lab.ts';
import { config as fixture } from './fixture.ts';
import { type Contract, readContract } from '../wire/contract/check.ts';

export const ROOT_KEY = 'root-key-of-the-http-lab';
const FIXTURE = new URL('./fixture.ts', import.meta.url).pathname;
/** Makes keys of every tenant, as the root key does. */
export const SECRET = 'the-secret-of-the-http-lab-0123456789';

export const OPERATOR: Caller = {
  actor: 'key:root',
  tenant: 'default',
  scopes: new Set(SCOPES),
  isOperator: true,
};
export const MAX_BODY_BYTES = 100_000;

/** All that a test may look for in a body; what is really there, its assertions say. */
export type Body = TaskView &
  Problem & {
    outcome: CancelOutcome;
    items: (TaskView & { number: number; type: string })[];
    nextCursor: string | null;
    task_id: string;
    taskIds: string[];
    replayed: true;
    detail: unknown;
    paths: Record<string, Record<string, { operationId: string }>>;
  };

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  body: Body;
}

export interface CallOptions {
  body?: unknown;
  headers?: Record<string, string>;
  /** null: none at all. */
  key?: string | null;
  signal?: AbortSignal;
}

export interface Server extends AsyncDisposable {
  api: Api;
  lovage: Lovage;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
}

export interface HttpLab extends Server {
  lab: Lab;
  work(): Promise<unknown>;
  keyFor(scopes: Scope[], tenant?: string): Promise<string>;
}

/** A real server on a database of its own; a worker where a test asks for one. */
export async function openHttpLab(configFile = FIXTURE): Promise<HttpLab> {
  const lab = await openLab();
  const config = await loadConfig(configFile);
  await migrateFor(config, lab.url);
  const server = await serve(lab.url, undefined, config);
  return {
    ...server,
    lab,
    work: () => lab.worker({ config, configFile }),
    keyFor: async (scopes, tenant = 'default') =>
      (await createKey(server.lovage.pool, OPERATOR, { name: scopes.join('-') || 'none', scopes, tenant }))
        .key,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await lab[Symbol.asyncDispose]();
    },
  };
}

/** A server on any database, also on one that is not there. */
export async function serve(
  databaseUrl: string,
  log: Log = createLog({ level: 'silent' }),
  config: Config = fixture,
  options: {
    port?: number;
    maxBodyBytes?: number;
    /** `undefined` where LOVAGE_SECRET is not set. */
    secret?: string | undefined;
    corsOrigins?: string[];
    limits?: NonNullable<ApiOptions['limits']>;
    mounts?: NonNullable<ApiOptions['mounts']>;
    trustedProxies?: TrustedProxies;
    metricsOpen?: boolean;
  } = {},
): Promise<Server> {
  const lovage = await openLovage({
    config,
    url: databaseUrl,
    secret: 'secret' in options ? options.secret : SECRET,
    log,
  });
  const {
    port = 0,
    maxBodyBytes = MAX_BODY_BYTES,
    corsOrigins = [],
    limits = {},
    mounts = config.mounts,
    trustedProxies,
    metricsOpen,
  } = options;
  const settings = {
    host: '127.0.0.1',
    port,
    maxBodyBytes,
    corsOrigins,
    trustedProxies,
    metricsOpen,
  };
  const authenticator = createAuthenticator(lovage.pool, ROOT_KEY);
  const api = await startApi({ lovage, authenticator, settings, limits, mounts, version: 'test' });
  return {
    api,
    lovage,
    async call(method, path, options) {
      const answer = await call(`${api.url}${path}`, method, options);
      await holdToContract(api, method, path, answer);
      return answer;
    },
    async [Symbol.asyncDispose]() {
      await api.close(0);
      await lovage.close();
    },
  };
}

const contracts = new WeakMap<Api['app'], Contract>();

/** Whatever a test asks for: an answer that the document does not know of fails it. */
export async function holdToContract(
  { app }: Pick<Api, 'app'>,
  method: string,
  path: string,
  answer: Pick<Answer, 'status' | 'headers' | 'text'>,
): Promise<void> {
  const contract = contracts.get(app) ?? readContract(await (await app.request('/v1/openapi.json')).text());
  contracts.set(app, contract);
  const violations = contract.violations(method, path, answer);
  if (violations.length > 0) {
    throw new Error(
      `${method} ${path} was answered as the document does not say:\n${violations.join('\n')}\n${answer.text.slice(0, 2_000)}`,
    );
  }
}

export async function call(url: string, method: string, options: CallOptions = {}): Promise<Answer> {
  const { body: sent, headers = {}, key = ROOT_KEY, signal } = options;
  const isRaw = typeof sent === 'string' || sent instanceof FormData;
  const response = await fetch(url, {
    method,
    headers: { ...(key !== null && { authorization: `Bearer ${key}` }), ...headers },
    ...(sent !== undefined && { body: isRaw ? sent : JSON.stringify(sent) }),
    ...(signal && { signal }),
  });
  const text = await response.text();
  const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '');
  const body = (isJson && text !== '' ? JSON.parse(text) : undefined) as Body;
  return { status: response.status, headers: response.headers, text, body };
}

export const pointers = ({ body }: Answer): string[] => (body.errors ?? []).map(({ pointer }) => pointer);
