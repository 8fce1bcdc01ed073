import type { DialectRoute } from '../../dialect.ts';
import { refTo } from './definitions.ts';
import { type JsonSchema, toComponents } from './schema.ts';

const bringsBody = (status: string): boolean => status !== '204' && status !== '304';

const componentOf = (id: string, status: string): string => `${id}.${status}`;

/** The answers that a route has a schema for, as components. */
export function answerComponents(id: string, { answers = {} }: DialectRoute): Record<string, JsonSchema> {
  return Object.assign(
    {},
    ...Object.entries(answers).map(([status, answer]) =>
      'contentType' in answer || !bringsBody(status)
        ? {}
        : toComponents(componentOf(id, status), answer, 'output'),
    ),
  ) as Record<string, JsonSchema>;
}

/** What a route says that it answers, and for all else that it answers in words of its own. */
export function responsesOf(id: string, route: DialectRoute): Record<string, JsonSchema> {
  const declared = Object.entries(route.answers ?? {}).map(([status, answer]): [string, JsonSchema] => [
    status,
    {
      description: Number(status) < 300 ? route.summary : 'A refusal',
      ...(bringsBody(status) && {
        content:
          'contentType' in answer
            ? { [answer.contentType]: { schema: { type: 'string', format: 'binary' } } }
            : { 'application/json': { schema: refTo(componentOf(id, status)) } },
      }),
    },
  ]);
  return {
    ...Object.fromEntries(declared),
    ...(route.kind === 'socket' && {
      101: { description: 'A WebSocket: messages tell how the task fares, until it is closed at the end' },
    }),
    '4XX': { description: 'A refusal, in the words of the system whose dialect this is' },
    default: { description: 'In the words of the system whose dialect this is' },
  };
}
