import { OpenAPIHono } from '@hono/zod-openapi';
import { compressLarge } from './compress.ts';
import type { ApiParts, HttpEnv } from './context.ts';
import { allowOrigins } from './cors.ts';
import { dialectErrors } from './dialects/errors.ts';
import { createDialect } from './dialects/mount.ts';
import { type DialectPack, dialectParts } from './dialects/parts.ts';
import { mountDocs } from './docs/mount.ts';
import { followRequests } from './follow.ts';
import { mountHealth } from './health.ts';
import { requireKey } from './identify.ts';
import { answerOptions, refuseUnrouted } from './methods.ts';
import { createDocument, DOCUMENT_URL } from './openapi/document.ts';
import { mountProblemPages } from './problem-pages.ts';
import { refuseRepeated } from './refuse-repeated.ts';
import { respondWithError } from './respond.ts';
import { createRest, REST_PREFIX } from './rest/mount.ts';
import { mountTrpc, TRPC_ENDPOINT, trpcErrors } from './trpc/mount.ts';
import { createRouter } from './trpc/router.ts';

/** All routes, in the order in which they answer. What stands before `requireKey` is open. */
export function createApp(parts: ApiParts): OpenAPIHono<HttpEnv> {
  const { config, log } = parts.lovage;
  const router = createRouter(config);
  const dialects = config.packs.filter((pack): pack is DialectPack => pack.dialect !== undefined);
  const styles = [trpcErrors, ...dialects.flatMap(({ dialect }) => dialectErrors(dialect, dialect.prefix))];

  const app = new OpenAPIHono<HttpEnv>();
  app.onError((error, c) => respondWithError(c, error, styles, log));
  app.notFound((c) => respondWithError(c, refuseUnrouted(app, c), styles, log));
  app.use(followRequests(parts));
  if (parts.corsOrigins.length > 0) app.use(allowOrigins(app, parts.corsOrigins));
  app.use(answerOptions(app));
  app.use(refuseRepeated, compressLarge);

  app.get('/', (c) => c.redirect('/docs'));
  mountHealth(app, parts);
  mountProblemPages(app);
  mountDocs(app, DOCUMENT_URL);
  let document: string | undefined;
  app.get(DOCUMENT_URL, (c) => {
    document ??= JSON.stringify(
      createDocument(app, {
        config,
        dialects: dialects.map((pack) => ({ ...pack, isOpen: false })),
        version: parts.version,
      }),
    );
    return c.body(document, 200, { 'Content-Type': 'application/json' });
  });

  for (const pack of dialects) {
    const { prefix: base } = pack.dialect;
    app.route(base, createDialect(dialectParts(parts, router, pack, { base, isOpen: false })));
  }
  app.use(`${TRPC_ENDPOINT}/*`, requireKey(parts));
  mountTrpc(app, parts, router);
  app.route(REST_PREFIX, createRest(parts, router));
  return app;
}
