import { openProblems } from '../rest/responses.ts';
import type { Operation, Paths } from './types.ts';

const open = { tags: ['pages'], security: [] };

/** What is served beside the API proper, and what speaks a protocol of its own. */
export function pagePaths(documentUrl: string): Paths {
  return {
    '/': {
      get: page('root', 'Leads to the documentation', {
        302: { description: 'To /docs', headers: LOCATION },
      }),
    },
    '/docs': {
      get: page('docs', 'This documentation, for people', { 200: content('text/html', 'The page') }),
    },
    '/docs/standalone.js': {
      get: page('docsBundle', 'The script of the documentation', {
        200: content('text/javascript', 'The script'),
        ...openProblems('not-found'),
      }),
    },
    [documentUrl]: {
      get: page('openapi', 'This document', { 200: content('application/json', 'The document', 'object') }),
    },
    '/problems/{code}': { get: problemPage },
    '/trpc/{procedure}': {
      get: trpc('query', 'A query, or several as a batch'),
      post: trpc('mutate', 'A mutation'),
    },
  };
}

const LOCATION = { Location: { $ref: '#/components/headers/Location' } };

const content = (type: string, description: string, schemaType = 'string') => ({
  description,
  content: { [type]: { schema: { type: schemaType } } },
});

const page = (
  operationId: string,
  summary: string,
  responses: NonNullable<Operation['responses']>,
): Operation => ({
  ...open,
  operationId,
  summary,
  responses: { ...openProblems(), ...responses },
});

const problemPage: Operation = {
  ...page('problemPage', 'What the type of a problem means', {
    200: {
      description: 'What it means, for people where HTML is accepted',
      content: {
        'application/json': {
          schema: {
            type: 'object',
            required: ['type', 'status', 'title'],
            properties: { type: { type: 'string' }, status: { type: 'integer' }, title: { type: 'string' } },
          },
        },
        'text/html': { schema: { type: 'string' } },
      },
    },
    ...openProblems('not-found'),
  }),
  parameters: [
    { name: 'code', in: 'path', required: true, schema: { type: 'string' }, example: 'task-not-found' },
  ],
};

const trpc = (kind: string, summary: string): Operation => ({
  operationId: `trpc.${kind}`,
  tags: ['trpc'],
  summary: `${summary}, for typed clients`,
  parameters: [
    { name: 'procedure', in: 'path', required: true, schema: { type: 'string' }, example: 'tasks.list' },
  ],
  responses: {
    '4XX': {
      description: 'A refusal, in the words of tRPC',
      content: { 'application/json': { schema: {} } },
    },
    default: {
      description: 'In the words of tRPC; errors hold the same codes under `error.data.problem`',
      content: { 'application/json': { schema: {} } },
    },
  },
});
