import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import type { Hono } from 'hono';
import { ERROR_CODES, LovageError } from '../../errors.ts';
import { readText } from '../body.ts';
import { type ApiParts, contextOf, type HttpEnv } from '../context.ts';
import { toLovageError } from '../errors.ts';
import { type ErrorStyle, reportError } from '../respond.ts';
import { suspect } from '../../json/unstorable.ts';
import { toErrorShape } from './error-shape.ts';
import type { Router } from './router.ts';

export const TRPC_ENDPOINT = '/trpc';
const MAX_BATCH = 50;

export function mountTrpc(app: Hono<HttpEnv>, parts: ApiParts, router: Router): void {
  app.all(`${TRPC_ENDPOINT}/*`, async (c) => {
    const req = c.req.raw;
    const isQuery = req.method === 'GET' || req.method === 'HEAD';
    if (!isQuery) {
      const type = req.headers.get('content-type') ?? '';
      if (!type.startsWith('application/json')) {
        throw new LovageError('malformed-json', 'tRPC takes application/json');
      }
    }
    const text = isQuery ? (c.req.query('input') ?? '') : await readText(req, parts.maxBodyBytes);
    // tRPC asks its request for .text(): it gets what was read here, under the limit.
    Object.defineProperty(req, 'text', { value: () => Promise.resolve(text) });
    const response = await fetchRequestHandler({
      endpoint: TRPC_ENDPOINT,
      req,
      router,
      maxBatchSize: MAX_BATCH,
      createContext: () => contextOf(parts, c, suspect(text)),
      responseMeta: ({ errors }) => {
        const seconds = errors.map((error) => toLovageError(error).retryAfter ?? 0);
        const wait = Math.max(0, ...seconds);
        return wait > 0 ? { headers: new Headers({ 'Retry-After': String(wait) }) } : {};
      },
      onError: ({ error }) => {
        if (!req.signal.aborted) reportError(parts.lovage.log, toLovageError(error), c.var.requestId);
      },
    });
    // Its connection ends with it, so that a closing server need not wait for another request on it.
    if (response.headers.get('content-type') === 'text/event-stream')
      response.headers.set('Connection', 'close');
    return response;
  });
}

/** Errors that happen before a procedure runs, in the envelope that tRPC clients read. */
export const trpcErrors: ErrorStyle = {
  prefix: TRPC_ENDPOINT,
  render: (error) => ({
    status: ERROR_CODES[error.code].status,
    body: { error: toErrorShape(error) },
    contentType: 'application/json',
  }),
};
