import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Config } from '../../config.ts';
import type { HttpEnv } from '../context.ts';
import { problemSchema } from '../problem.ts';
import { REST_PREFIX } from '../rest/mount.ts';
import { HEADERS } from '../rest/responses.ts';
import { batchBody, definitionPaths, definitionSchemas } from './definitions.ts';
import { type DescribedPack, dialectKeySchemes, dialectPaths, dialectSchemas } from './dialects.ts';
import { withExamples } from './examples.ts';
import { finishOperations } from './finish.ts';
import { pagePaths } from './pages.ts';
import { describeTags } from './tags.ts';
import type { Paths } from './types.ts';

export const DOCUMENT_URL = `${REST_PREFIX}/openapi.json`;
const GENERIC_PATH = `${REST_PREFIX}/tasks/{id}`;
const BATCH_PATH = `${REST_PREFIX}/tasks:batch`;

const DESCRIPTION = `Background tasks on Postgres. Names are camelCase, times are ISO 8601, errors are RFC 9457 with the types
that each answer lists; \`instance\` is the request's id.

HEAD works wherever GET does. OPTIONS needs no key and answers 204 with \`Allow\`, as a preflight does for the origins in
LOVAGE_CORS_ORIGINS. A method that a path does not take is 405 with \`Allow\`; a path that is none is 404.

A query parameter or a field that is not known is refused with 422, as is a header that counts once and comes twice
(Authorization, X-API-Key, Content-Type, Idempotency-Key, Last-Event-ID). Where both come, Authorization wins over X-API-Key.
Bodies are JSON in UTF-8 whatever Content-Type says, and uncompressed. Large answers are compressed by br or gzip, as
Accept-Encoding allows, and say so in Content-Encoding and Vary. Every answer bears Cache-Control (\`no-store\` unless said),
X-Content-Type-Options, X-Frame-Options, Referrer-Policy, Content-Security-Policy and Cross-Origin-Resource-Policy.`;

const REQUEST_ID = {
  name: 'X-Request-Id',
  in: 'header',
  description:
    'Comes back as it is where it is 1 to 128 letters, digits, `.`, `_` and `-`; else a new one does',
  schema: { type: 'string' },
};

/** OpenAPI 3.1 of all routes: Lovage's own, one a definition, every dialect's, and the pages. */
export function createDocument(
  app: OpenAPIHono<HttpEnv>,
  options: { config: Config; dialects: readonly DescribedPack[]; version: string },
) {
  const { config, dialects, version } = options;
  app.openAPIRegistry.register('Problem', problemSchema);
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Lovage',
      version,
      description: DESCRIPTION,
    },
    servers: [{ url: '/', description: 'This server' }],
    security: [{ bearer: [] }, { apiKey: [] }],
  });
  const own = document.paths as Paths;
  const generic = own[GENERIC_PATH]?.['post'] ?? {};
  const batch = own[BATCH_PATH]?.['post'];
  if (batch) batch.requestBody = batchBody(config, batch) ?? {};
  const { paths, responses } = finishOperations(
    Object.assign(
      {},
      definitionPaths(config, generic),
      own,
      pagePaths(DOCUMENT_URL),
      ...dialects.map(dialectPaths),
    ) as Paths,
  );
  const schemas = Object.assign(
    {},
    document.components?.schemas,
    definitionSchemas(config),
    ...dialects.map(dialectSchemas),
  ) as Record<string, object>;
  return {
    ...document,
    // Its type is that of OpenAPI 3.0, which knows no identifier.
    info: { ...document.info, license: { name: 'MIT', identifier: 'MIT' } },
    tags: describeTags(paths, config),
    paths,
    components: {
      ...document.components,
      schemas: withExamples(schemas),
      responses,
      headers: HEADERS,
      parameters: { 'X-Request-Id': REQUEST_ID },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        ...dialectKeySchemes(dialects.map(({ dialect }) => dialect)),
      },
    },
  };
}
