import { PROBLEM_TYPE } from '../problem.ts';
import { header } from '../rest/responses.ts';
import type { JsonSchema } from './schema.ts';
import type { Operation, Paths } from './types.ts';

const REQUEST_ID = { 'X-Request-Id': header('X-Request-Id') };
const RATE_LIMIT = { RateLimit: header('RateLimit'), 'RateLimit-Policy': header('RateLimit-Policy') };

/** Answered where a request never got as far as a route. */
const UNREAD = {
  description:
    'What is no HTTP request that can be read, comes too slowly (408), expects what is not known (417) or has too large headers (431): the type is `about:blank`',
  headers: REQUEST_ID,
  content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
};

/** Adds what all operations share; answers that many share become components. */
export function finishOperations(paths: Paths): { paths: Paths; responses: Record<string, JsonSchema> } {
  const shared: Record<string, JsonSchema> = { Unread: UNREAD };
  const finished = Object.entries(paths).map(([path, item]): [string, Paths[string]] => [
    path,
    Object.fromEntries(
      Object.entries(item).map(([method, operation]) => [method, finish(operation, shared)]),
    ),
  ]);
  return { paths: Object.fromEntries(finished), responses: shared };
}

function finish(operation: Operation, shared: Record<string, JsonSchema>): Operation {
  // Only who shows a key has its limits; an answer that is shared may be either.
  const isOpen = operation.security?.length === 0;
  const responses = Object.entries(operation.responses ?? {}).map(
    ([status, response]): [string, JsonSchema] => {
      const name = nameOf(response);
      const rate = isOpen && name === undefined ? {} : RATE_LIMIT;
      const whole = { ...response, headers: { ...(response['headers'] as object), ...rate, ...REQUEST_ID } };
      if (name === undefined) return [status, whole];
      shared[name] = whole;
      return [status, { $ref: `#/components/responses/${name}` }];
    },
  );
  return {
    ...operation,
    parameters: [
      ...(operation.parameters ?? []).map(titled),
      { $ref: '#/components/parameters/X-Request-Id' },
    ],
    responses: { default: { $ref: '#/components/responses/Unread' }, ...Object.fromEntries(responses) },
  };
}

/** The codes of a problem response, which name it wherever it comes; undefined for every other. */
function nameOf({ content }: JsonSchema): string | undefined {
  const media = (content as Record<string, { schema?: ProblemSchema }> | undefined)?.[PROBLEM_TYPE];
  const types = media?.schema?.allOf?.[1]?.properties?.type?.enum;
  return types?.map((type) => type.split('/').at(-1)).join('.');
}

interface ProblemSchema {
  allOf?: { properties?: { type?: { enum?: string[] } } }[];
}

type Parameter = NonNullable<Operation['parameters']>[number];

/** `if-none-match` as people write it. */
function titled(parameter: Parameter): Parameter {
  if (!('in' in parameter) || parameter.in !== 'header') return parameter;
  const name = parameter.name.replaceAll(/(?<![a-z])[a-z]/g, (letter) => letter.toUpperCase());
  return { ...parameter, name: name.replace(/-Id$/, '-ID') };
}
