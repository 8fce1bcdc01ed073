import type { z } from 'zod';
import type { DialectRoute, SubmitRoute } from '../../dialect.ts';
import { type JsonSchema, toInline } from './schema.ts';
import type { Parameter } from './types.ts';

/** What a route reads from its path and its query. */
export function parametersOf(route: DialectRoute, path: string): Parameter[] {
  const query = 'query' in route && route.query ? queryParameters(route.query) : [];
  const isKnown = (name: string) => query.some((parameter) => 'name' in parameter && parameter.name === name);
  return [
    ...pathParameters(path),
    ...query,
    ...(route.kind === 'submit' ? syncParameter(route.sync).filter(({ name }) => !isKnown(name)) : []),
    ...(route.kind === 'socket' ? [TICKET] : []),
  ];
}

const pathParameters = (path: string): Parameter[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));

function queryParameters(schema: z.ZodType): Parameter[] {
  const { properties = {}, required = [] } = toInline(schema, 'input') as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: 'query',
    ...(required.includes(name) && { required: true }),
    ...(typeof description === 'string' && { description }),
    schema: property,
  }));
}

const syncParameter = (sync: SubmitRoute['sync']) =>
  sync === undefined || sync === 'always'
    ? []
    : [
        {
          name: sync.parameter,
          in: 'query',
          description: `${sync.value} waits for the outcome`,
          schema: { type: 'boolean' },
        },
      ];

const TICKET: Parameter = {
  name: 'ticket',
  in: 'query',
  description: 'Of POST /v1/stream-tickets, in place of a key, which browsers cannot send here',
  schema: { type: 'string' },
};
