import type { Config } from '../../src/config.ts';
import { createRouter } from '../../src/api/trpc/router.ts';
import type { HttpLab } from '../api/http-lab.ts';

/** Everything that can be called, as the server itself says: a route or a procedure that is added is walked too. */
export interface Route {
  /** `post /v1/tasks/{id}/cancel`. */
  name: string;
  method: string;
  path: string;
  /** The names of its path parameters. */
  parameters: string[];
}

interface Document {
  paths: Record<string, Record<string, { security?: unknown[]; responses: object }>>;
}

/** The routes of the OpenAPI document that ask for a key; tRPC's procedures are walked by themselves. */
export async function routesOf(lab: HttpLab): Promise<Route[]> {
  const { text } = await lab.call('GET', '/v1/openapi.json', { key: null });
  const paths = Object.entries((JSON.parse(text) as Document).paths);
  return paths
    .filter(([path]) => !path.startsWith('/trpc/'))
    .flatMap(([path, item]) =>
      Object.entries(item)
        // What speaks WebSocket is no route of HTTP.
        .filter(([, { security, responses }]) => security?.length !== 0 && !('101' in responses))
        .map(([method, _operation]) => ({
          name: `${method} ${path}`,
          method: method.toUpperCase(),
          path,
          parameters: [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name),
        })),
    );
}

export interface Procedure {
  /** `tasks.cancel`. */
  name: string;
  type: 'query' | 'mutation' | 'subscription';
  scope: string | undefined;
  /** The names of the fields of its input. */
  fields: string[];
}

interface Definition {
  type: Procedure['type'];
  meta?: { scope?: string };
  inputs: { shape?: object; def?: { innerType?: { shape?: object } } }[];
}

/** Every tRPC procedure of a configuration. */
export function proceduresOf(config: Config): Procedure[] {
  const { procedures } = createRouter(config)['_def'] as unknown as {
    procedures: Record<string, { _def: Definition }>;
  };
  return Object.entries(procedures).map(([name, { _def: definition }]) => ({
    name,
    type: definition.type,
    scope: definition.meta?.scope,
    fields: definition.inputs.flatMap(({ shape, def }) => Object.keys(shape ?? def?.innerType?.shape ?? {})),
  }));
}

/** What a route or procedure needs beside ids to be let in; a new one that needs more says 422, and belongs here. */
const BODIES: readonly [pattern: RegExp, body: unknown][] = [
  [/^post \/v1\/keys$|^keys\.create$/, { name: 'walker', scopes: ['read'] }],
  [/^post \/v1\/webhooks$|^webhooks\.create$/, { url: 'https://example.com/hook' }],
  [/^put \/v1\/schedules|^schedules\.put$/, { task: 'diag.noop', input: {}, cron: '0 0 * * *' }],
  [/^post \/v1\/schedules:preview$|^schedules\.previewRule$/, { cron: '0 0 * * *' }],
  [/^(?:tasks|batches)\.wait$/, { timeoutMs: 0 }],
  [/^post \/v1\/tasks:batch$|^batches\.create$/, { tasks: [{ name: 'diag.noop', input: {} }] }],
  [/^patch \/v1\/keys|^keys\.update$/, { priority: 1 }],
  [/^post \/v1\/queues\/\{name\}\/limit$|^queues\.limit$/, { concurrency: 50 }],
  [/^post \/old\/analyze$|old\.analyze$/, { ticker: 'ACME', year: 2024 }],
  [/^post \/v1\/tasks\/\{id\}$|^tasks\.enqueue$/, { name: 'diag.noop', input: {} }],
];

export const bodyOf = (name: string): unknown => BODIES.find(([pattern]) => pattern.test(name))?.[1] ?? {};

export interface Called {
  status: number;
  text: string;
}

/** Calls a procedure over HTTP, as any client would. */
export async function callProcedure(
  lab: HttpLab,
  { name, type }: Pick<Procedure, 'name' | 'type'>,
  input: unknown,
  key: string,
): Promise<Called> {
  const headers = { 'content-type': 'application/json' };
  if (type === 'mutation') return lab.call('POST', `/trpc/${name}`, { body: input, headers, key });
  const query = `input=${encodeURIComponent(JSON.stringify(input))}`;
  if (type === 'query') return lab.call('GET', `/trpc/${name}?${query}`, { key });
  return readStream(lab, `/trpc/${name}?${query}`, key);
}

const STREAM_MS = 3_000;

/** Calls a route, also one that streams: of a stream what it says first. */
export async function callRoute(lab: HttpLab, route: Route, path: string, key: string): Promise<Called> {
  if (route.method === 'GET') return readStream(lab, path, key);
  return lab.call(route.method, path, {
    key,
    ...(route.method !== 'DELETE' && { body: bodyOf(route.name) }),
  });
}

/** The whole answer, or of an event stream what comes before it has said nothing new for a while. */
async function readStream(lab: HttpLab, path: string, key: string): Promise<Called> {
  const stop = new AbortController();
  const response = await fetch(`${lab.api.url}${path}`, {
    headers: { authorization: `Bearer ${key}` },
    signal: stop.signal,
  });
  const { status } = response;
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    return { status, text: await response.text() };
  }
  let text = '';
  const timer = setTimeout(() => stop.abort(), STREAM_MS);
  try {
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString();
      if (/-not-found|forbidden|"state"/.test(text)) break;
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
  return { status, text };
}
