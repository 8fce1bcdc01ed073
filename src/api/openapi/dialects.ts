import type { Dialect, DialectRoute, SyncSwitch } from '../../dialect.ts';
import type { DialectPack } from '../dialects/mount.ts';
import { inputComponent, refTo } from './definitions.ts';
import { type JsonSchema, toComponents } from './schema.ts';
import type { Operation, Paths } from './types.ts';

export function dialectPaths({ name, dialect }: DialectPack): Paths {
  const paths: Paths = {};
  for (const route of dialect.routes) {
    const item = (paths[`${dialect.prefix}${route.path}`] ??= {});
    item[route.method] = describe(name, dialect, route);
  }
  return paths;
}

/** Old systems may send a body of their own; its schema goes among the components like a definition's. */
export function dialectSchemas({ name, dialect }: DialectPack): Record<string, JsonSchema> {
  return Object.assign(
    {},
    ...dialect.routes.map((route) =>
      route.kind === 'submit' && route.body !== undefined
        ? toComponents(bodyComponent(name, route), route.body, 'input')
        : {},
    ),
  ) as Record<string, JsonSchema>;
}

const bodyComponent = (pack: string, { path }: DialectRoute): string =>
  `${pack}${path.replaceAll(/\W+/g, '.')}.body`;

function describe(pack: string, dialect: Dialect, route: DialectRoute): Operation {
  return {
    operationId: `${pack}.${route.method}${route.path.replaceAll(/\W+/g, '.')}`.replace(/\.$/, ''),
    tags: [pack],
    summary: route.summary,
    security: route.kind === 'static' && route.needsKey !== true ? [] : securityOf(dialect),
    parameters: [...pathParameters(route), ...(route.kind === 'submit' ? syncParameter(route.sync) : [])],
    ...(route.kind === 'submit' && { requestBody: requestBody(pack, route) }),
    responses: {
      '4XX': { description: 'A refusal, in the words of the system whose dialect this is' },
      default: { description: 'In the words of the system whose dialect this is' },
    },
  };
}

const securityOf = ({ keyHeader }: Dialect): Record<string, string[]>[] => [
  { bearer: [] },
  { apiKey: [] },
  ...(keyHeader === undefined || isStandard(keyHeader) ? [] : [{ [keyHeader]: [] }]),
];

/** The headers that only a dialect reads, as security schemes. */
export const dialectKeySchemes = (dialects: readonly Dialect[]): Record<string, JsonSchema> =>
  Object.fromEntries(
    dialects.flatMap(({ keyHeader }) =>
      keyHeader === undefined || isStandard(keyHeader)
        ? []
        : [[keyHeader, { type: 'apiKey', in: 'header', name: keyHeader }]],
    ),
  );

const isStandard = (header: string): boolean => ['x-api-key', 'authorization'].includes(header.toLowerCase());

const pathParameters = ({ path }: DialectRoute) =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));

const syncParameter = (sync: SyncSwitch | undefined) =>
  sync === undefined
    ? []
    : [
        {
          name: sync.parameter,
          in: 'query',
          description: `${sync.value} waits for the outcome`,
          schema: { type: 'boolean' },
        },
      ];

function requestBody(pack: string, route: Extract<DialectRoute, { kind: 'submit' }>): JsonSchema {
  const component = route.body === undefined ? inputComponent(route.task) : bodyComponent(pack, route);
  return { required: true, content: { 'application/json': { schema: refTo(component) } } };
}
