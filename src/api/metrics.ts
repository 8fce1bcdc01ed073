import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { createScrapeGuard } from '../keys/scrape.ts';
import type { ApiParts, HttpEnv } from './context.ts';
import { presentedKey } from './identify.ts';
import { problems } from './rest/responses.ts';

const scrape = createRoute({
  operationId: 'metrics',
  method: 'get',
  path: '/metrics',
  tags: ['health'],
  summary:
    'Numbers for Prometheus; in OpenMetrics where Accept asks for it. They do not count against the limit of a key',
  responses: {
    200: {
      description:
        'Also while Postgres is away: `lovage_database_up` is 0 then, and what only the database knows is missing',
      content: {
        'text/plain': { schema: z.string() },
        'application/openmetrics-text': { schema: z.string() },
      },
    },
    ...problems(),
  },
});

/** Beside the keyed routes: a scrape is answered whether or not its key can be checked at the moment. */
export function mountMetrics(app: OpenAPIHono<HttpEnv>, parts: ApiParts): void {
  const { metrics } = parts.lovage;
  const admit = createScrapeGuard(parts.authenticator, parts.metricsOpen ?? false);
  app.openapi(scrape, async (c) => {
    await admit(presentedKey((name) => c.req.header(name)));
    const { contentType, body } = await metrics.write(c.req.header('accept'));
    return new Response(body, { headers: { 'Content-Type': contentType } });
  });
}
