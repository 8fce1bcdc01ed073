import type { Dialect, DialectRoute } from '../../dialect.ts';
import { accessOf, isOpened } from '../dialects/identify-visitor.ts';
import { LINK_PARAMETER } from '../dialects/link.ts';
import type { DialectPack } from '../dialects/parts.ts';
import { answerComponents, responsesOf } from './dialect-answers.ts';
import { bodyComponents, requestBodyOf } from './dialect-bodies.ts';
import { parametersOf } from './dialect-parameters.ts';
import type { JsonSchema } from './schema.ts';
import type { Operation, Paths } from './types.ts';

/** A pack with a dialect, and whether its routes need no key here. */
export type DescribedPack = DialectPack & { isOpen: boolean };

/** Every route under the prefix, also by its other paths. */
export function dialectPaths(pack: DescribedPack): Paths {
  const paths: Paths = {};
  for (const route of pack.dialect.routes) {
    for (const path of [route.path, ...(route.aliases ?? [])]) {
      const item = (paths[path === '/' ? pack.dialect.prefix : `${pack.dialect.prefix}${path}`] ??= {});
      item[route.method] = describe(pack, route, path);
    }
  }
  return paths;
}

/** Bodies and answers of its own go among the components, like a definition's. */
export function dialectSchemas({ name, dialect }: DialectPack): Record<string, JsonSchema> {
  return Object.assign(
    {},
    ...dialect.routes.flatMap((route) => {
      const id = operationIdOf(name, route, route.path);
      return [bodyComponents(id, route), answerComponents(id, route)];
    }),
  ) as Record<string, JsonSchema>;
}

function describe(pack: DescribedPack, route: DialectRoute, path: string): Operation {
  const id = operationIdOf(pack.name, route, route.path);
  const requestBody = requestBodyOf(id, route);
  return {
    operationId: operationIdOf(pack.name, route, path),
    tags: [pack.name],
    summary: route.summary,
    security: securityOf(pack, route),
    parameters: parametersOf(route, path),
    ...(requestBody && { requestBody }),
    responses: responsesOf(id, route),
  };
}

const operationIdOf = (pack: string, { method }: DialectRoute, path: string): string =>
  `${pack}.${method}${path.replaceAll(/\W+/g, '.')}`.replace(/\.$/, '');

function securityOf({ dialect, isOpen }: DescribedPack, route: DialectRoute): Record<string, string[]>[] {
  const access = accessOf(route);
  if (isOpen || isOpened(access)) return [];
  const { keyHeader } = dialect;
  return [
    { bearer: [] },
    { apiKey: [] },
    ...(keyHeader === undefined || isStandard(keyHeader) ? [] : [{ [keyHeader]: [] }]),
    ...(access === 'link' ? [{ link: [] }] : []),
  ];
}

/** What only dialects read, as security schemes: their own headers, and signed links. */
export function dialectKeySchemes(dialects: readonly Dialect[]): Record<string, JsonSchema> {
  const headers = dialects.flatMap(({ keyHeader }) =>
    keyHeader === undefined || isStandard(keyHeader) ? [] : [keyHeader],
  );
  const hasLinks = dialects.some(({ routes }) => routes.some((route) => accessOf(route) === 'link'));
  return {
    ...Object.fromEntries(headers.map((name) => [name, { type: 'apiKey', in: 'header', name }])),
    ...(hasLinks && {
      link: {
        type: 'apiKey',
        in: 'query',
        name: LINK_PARAMETER,
        description: 'Part of a signed link, which an answer gave out: it opens this path until it expires',
      },
    }),
  };
}

const isStandard = (header: string): boolean => ['x-api-key', 'authorization'].includes(header.toLowerCase());
