import { OpenAPIHono } from '@hono/zod-openapi';
import { compressLarge } from './compress.ts';
import type { ApiParts, HttpEnv } from './context.ts';
import { allowOrigins } from './cors.ts';
import { dialectErrors } from './dialects/errors.ts';
import { createDialect } from './dialects/mount.ts';
import { type DialectPack, dialectParts, dialectsOf, isOpenIn } from './dialects/parts.ts';
import { mountDocs } from './docs/mount.ts';
import { followRequests } from './follow.ts';
import { mountHealth } from './health.ts';
import { requireKey } from './identify.ts';
import { mountMetrics } from './metrics.ts';
import { answerOptions, refuseUnrouted } from './methods.ts';
import { createDocument, DOCUMENT_URL } from './openapi/document.ts';
import { mountProblemPages } from './problem-pages.ts';
import { refuseRepeated } from './refuse-repeated.ts';
import { type ErrorStyle, respondWithError } from './respond.ts';
import { createRest, REST_PREFIX } from './rest/mount.ts';
import { mountTrpc, TRPC_ENDPOINT, trpcErrors } from './trpc/mount.ts';
import { createRouter, type Router } from './trpc/router.ts';

/** All routes, in the order in which they answer. What stands before `requireKey` is open. */
export function createApp(parts: ApiParts, router = createRouter(parts.lovage.config)): OpenAPIHono<HttpEnv> {
  const { config } = parts.lovage;
  const dialects = dialectsOf(config);
  const app = createFrame(parts, [
    trpcErrors,
    ...dialects.flatMap(({ dialect }) => dialectErrors(dialect, dialect.prefix)),
  ]);

  app.get('/', (c) => c.redirect('/docs'));
  mountHealth(app, parts);
  mountMetrics(app, parts);
  mountProblemPages(app);
  mountDocs(app, DOCUMENT_URL);
  let document: string | undefined;
  app.get(DOCUMENT_URL, (c) => {
    const described = () => dialects.map((pack) => ({ ...pack, isOpen: isOpenIn(parts, pack) }));
    document ??= JSON.stringify(
      createDocument(app, { config, dialects: described(), version: parts.version }),
    );
    return c.body(document, 200, { 'Content-Type': 'application/json' });
  });

  for (const pack of dialects) {
    const { prefix } = pack.dialect;
    app.route('/', createDialect(dialectParts(parts, router, pack, prefix)));
  }
  app.use(`${TRPC_ENDPOINT}/*`, requireKey(parts));
  mountTrpc(app, parts, router);
  app.route(REST_PREFIX, createRest(parts, router));
  return app;
}

/** One pack's dialect at a root of its own: beside it only what load balancers ask for. */
export function createDialectApp(parts: ApiParts, router: Router, pack: DialectPack): OpenAPIHono<HttpEnv> {
  const app = createFrame(parts, dialectErrors(pack.dialect, ''));
  app.route('/', createDialect(dialectParts(parts, router, pack, '')));
  mountHealth(app, parts);
  return app;
}

/** What every request passes, wherever it goes, and the words in which it is refused. */
function createFrame(parts: ApiParts, styles: readonly ErrorStyle[]): OpenAPIHono<HttpEnv> {
  const { log } = parts.lovage;
  const app = new OpenAPIHono<HttpEnv>();
  app.onError((error, c) => respondWithError(c, error, styles, log));
  app.notFound((c) => respondWithError(c, refuseUnrouted(app, c), styles, log));
  app.use(followRequests(parts));
  if (parts.corsOrigins.length > 0) app.use(allowOrigins(app, parts.corsOrigins));
  app.use(answerOptions(app));
  app.use(refuseRepeated, compressLarge);
  return app;
}
