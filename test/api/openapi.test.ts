import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpLab, openHttpLab } from './http-lab.ts';

let lab: HttpLab;
let document: Record<string, unknown>;
beforeAll(async () => {
  lab = await openHttpLab();
  document = JSON.parse((await lab.call('GET', '/v1/openapi.json', { key: null })).text) as typeof document;
});
afterAll(() => lab[Symbol.asyncDispose]());

const paths = () =>
  document['paths'] as Record<string, Record<string, { operationId: string; responses: object }>>;

test('it is OpenAPI 3.1 and names every route, one for each definition, and the dialects’', () => {
  expect(document['openapi']).toBe('3.1.0');
  const routes = Object.entries(paths()).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  );
  expect(routes).toEqual(
    expect.arrayContaining([
      'post /v1/tasks/{id}',
      'get /v1/tasks/{id}',
      'get /v1/tasks',
      'get /v1/tasks/{id}/result',
      'get /v1/tasks/{id}/events',
      'get /v1/tasks/{id}/attempts',
      'post /v1/tasks/{id}/cancel',
      'post /v1/tasks/{id}/retry',
      'get /v1/tasks/{id}/explain',
      'post /v1/tasks:retry',
      'post /v1/tasks:cancel',
      'get /v1/queues',
      'get /v1/queues/{name}',
      'post /v1/queues/{name}/pause',
      'post /v1/queues/{name}/resume',
      'post /v1/tasks/diag.sleep',
      'post /v1/tasks/old.analyze',
      'post /old/analyze',
      'get /old/tasks/{id}',
      'delete /old/tasks/{id}',
      'get /healthz',
    ]),
  );
});

test('every reference leads somewhere', () => {
  const missing = referencesIn(document).filter((reference) => lookUp(reference) === undefined);
  expect(referencesIn(document).length).toBeGreaterThan(20);
  expect(missing).toEqual([]);
});

test('operation ids are unique, and no two paths are the same template', () => {
  const operations = Object.values(paths()).flatMap((item) => Object.values(item));
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
  const templates = Object.keys(paths()).map((path) => path.replaceAll(/\{\w+\}/g, '{}'));
  expect(new Set(templates).size).toBe(templates.length);
});

test('a definition shows its own input and result', () => {
  const { schemas } = document['components'] as { schemas: Record<string, unknown> };
  expect(schemas['old.analyze.input']).toMatchObject({
    type: 'object',
    required: ['ticker', 'year'],
    properties: { year: { type: 'integer', minimum: 1990, maximum: 2030 } },
    additionalProperties: false,
  });
  expect(JSON.stringify(paths()['/v1/tasks/old.analyze'])).toContain('#/components/schemas/old.analyze.task');
  expect(JSON.stringify(schemas['old.analyze.task'])).toContain('#/components/schemas/old.analyze.output');
});

test('the documentation page loads nothing from anywhere else', async () => {
  const { text, headers } = await lab.call('GET', '/docs', { key: null });
  expect([...text.matchAll(/(?:src|href|data-url)="([^"]*)"/g)].map(([, url]) => url)).toEqual([
    'data:,',
    '/v1/openapi.json',
    '/v1/openapi.json',
    '/docs/standalone.js',
  ]);
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
});

function referencesIn(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === '$ref' && typeof value === 'string' ? [value] : referencesIn(value),
  );
}

function lookUp(reference: string): unknown {
  const steps = reference.replace('#/', '').split('/');
  return steps.reduce<unknown>(
    (node, step) => (node as Record<string, unknown> | undefined)?.[step],
    document,
  );
}
