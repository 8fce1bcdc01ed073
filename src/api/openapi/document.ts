import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Config } from '../../config.ts';
import type { HttpEnv } from '../context.ts';
import type { DialectPack } from '../dialects/mount.ts';
import { REST_PREFIX } from '../rest/mount.ts';
import { definitionPaths, definitionSchemas } from './definitions.ts';
import { dialectKeySchemes, dialectPaths, dialectSchemas } from './dialects.ts';
import type { Paths } from './types.ts';

const GENERIC_PATH = `${REST_PREFIX}/tasks/{id}`;

/** OpenAPI 3.1 of all routes: Lovage's own, one a definition, and every dialect's. */
export function createDocument(
  app: OpenAPIHono<HttpEnv>,
  options: { config: Config; dialects: readonly DialectPack[]; version: string },
) {
  const { config, dialects, version } = options;
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Lovage',
      version,
      description:
        'Background tasks on Postgres. Times are ISO 8601, names are camelCase, errors are RFC 9457.',
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { apiKey: [] }],
    tags: [
      ...new Set([
        'tasks',
        'batches',
        'queues',
        'schedules',
        'keys',
        'audit',
        ...config.packs.map(({ name }) => name),
        'health',
      ]),
    ].map((name) => ({
      name,
    })),
  });
  const paths = document.paths as Paths;
  const generic = paths[GENERIC_PATH]?.['post'] ?? {};
  return {
    ...document,
    paths: Object.assign({}, definitionPaths(config, generic), paths, ...dialects.map(dialectPaths)) as Paths,
    components: {
      ...document.components,
      schemas: Object.assign(
        {},
        document.components?.schemas,
        definitionSchemas(config),
        ...dialects.map(dialectSchemas),
      ),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        ...dialectKeySchemes(dialects.map(({ dialect }) => dialect)),
      },
    },
  };
}
