import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/load-config.ts';
import { SHOP_CONFIG } from '../api/dialect-lab.ts';
import { config } from '../api/fixture.ts';
import { config as shopConfig } from '../fixtures/shop/config.ts';
import { configFile } from '../lab.ts';
import { readContract } from './contract/check.ts';
import type { Document, Schema } from './contract/document.ts';
import { makeDocument } from './contract/make-document.ts';

const redocly = join(
  dirname(createRequire(import.meta.url).resolve('@redocly/cli/package.json')),
  'bin/cli.js',
);

/** Both are paths of the old system, and no id is `status`. */
const OLD_PATHS = '`/retros/tasks/status/{id}` and `/retros/tasks/{id}/revoke`';

test.each([
  ['the packs of the tests', configFile],
  ['the four systems', new URL('../../lovage.config.ts', import.meta.url).pathname],
  ['every kind of dialect route', SHOP_CONFIG],
])('Redocly’s recommended rules find neither error nor warning, with %s', async (_what, file) => {
  const problems = await lint((await makeDocument(await loadConfig(file))).text);
  expect(problems.filter(({ message }) => !message.includes(OLD_PATHS))).toEqual([]);
});

async function lint(text: string): Promise<{ message: string }[]> {
  const folder = await mkdtemp(join(tmpdir(), 'lovage-openapi-'));
  try {
    const file = join(folder, 'openapi.json');
    await writeFile(file, text);
    const env = {
      ...process.env,
      REDOCLY_TELEMETRY: 'off',
      REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
      CI: 'true',
    };
    const args = [redocly, 'lint', file, '--extends=recommended', '--format=json'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, cwd: folder }).catch(
      (error: unknown) => error as { stdout: string },
    );
    const { problems, totals } = JSON.parse(stdout) as {
      problems: { message: string }[];
      totals: { errors: number; warnings: number; ignored: number };
    };
    if (problems.length === 0) expect(totals).toEqual({ errors: 0, warnings: 0, ignored: 0 });
    return problems;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test.each([
  ['of the API', config],
  ['of every dialect', shopConfig],
])('every route %s is in the document, and everything in the document is a route', async (_what, config) => {
  const { app, text } = await makeDocument(config);
  const { paths } = JSON.parse(text) as Document;
  const documented = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const routed = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(
      ({ method, path }) =>
        // A dialect's root answers with a slash behind it too: that is no route of its own.
        `${method} ${path.replace(/(?<=.)\/$/, '').replaceAll(/\/:(\w+)(?:\{\[\^\/\]\+\\(\.\w+)\})?/g, '/{$1}$2')}`,
    );
  const protocols = ['/trpc/{procedure}'];
  expect([...new Set(routed)].filter((route) => !documented.includes(route))).toEqual([]);

  const unserved = documented.filter((route) => {
    const [method = '', path = ''] = route.split(' ');
    if (protocols.includes(path)) return false;
    const [handlers] = app.router.match(method, path.replaceAll(/\{\w+\}/g, 'x'));
    return !handlers.some(([[, registered]]) => registered.method === method);
  });
  expect(unserved).toEqual([]);
  expect(documented.length).toBeGreaterThan(30);
});

test('every answer documents its types, its id, and what goes with its status', async () => {
  const { document } = readContract((await makeDocument(config)).text);
  const { responses } = document.components as unknown as { responses: Record<string, { headers: object }> };
  expect(Object.keys(responses['unauthorized']?.headers ?? {})).toContain('WWW-Authenticate');
  expect(Object.keys(responses['queue-unavailable']?.headers ?? {})).toContain('Retry-After');
  const bare = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.values(item).flatMap(({ responses }) =>
      Object.entries(responses)
        .filter(
          ([, response]) =>
            !('$ref' in response) && !JSON.stringify(response).includes('/headers/X-Request-Id'),
        )
        .map(([status]) => `${path} ${status}`),
    ),
  );
  expect(bare).toEqual([]);
});

test('the examples fit their schemas', async () => {
  const document = JSON.parse((await makeDocument(config)).text) as Document;
  const ajv = new Ajv2020.default({ strict: false });
  addFormats.default(ajv);
  ajv.addSchema(document, 'document');
  const examples = Object.entries(document.components.schemas).flatMap(([name, schema]: [string, Schema]) =>
    ((schema['examples'] as unknown[] | undefined) ?? []).map((example) => ({ name, example })),
  );
  expect(examples.length).toBeGreaterThan(5);
  for (const { name, example } of examples) {
    const fits = ajv.validate({ $ref: `document#/components/schemas/${name}` }, example);
    expect([name, fits, ajv.errors]).toEqual([name, true, null]);
  }
});

test('an answer that the document does not know of is noticed', async () => {
  const contract = readContract((await makeDocument(config)).text);
  const json = { 'content-type': 'application/json', 'x-request-id': 'a' };
  const worker = {
    id: crypto.randomUUID(),
    host: 'h',
    pid: 1,
    state: 'live',
    queues: [],
    slots: 1,
    running: 0,
    version: 'v',
  };
  const times = { startedAt: '2026-01-01T00:00:00.000Z', heartbeatAt: '2026-01-01T00:00:00.000Z' };
  const check = (items: object[], more: { status?: number; headers?: Record<string, string> } = {}) =>
    contract.violations('GET', '/v1/workers?limit=1', {
      status: more.status ?? 200,
      headers: new Headers(more.headers ?? json),
      text: JSON.stringify({ items, nextCursor: null }),
    });
  expect(check([{ ...worker, ...times }])).toEqual([]);
  expect(check([worker])).toHaveLength(2);
  expect(check([{ ...worker, ...times, secret: 1 }])).toEqual([expect.stringContaining('secret')]);
  expect(check([{ ...worker, ...times, state: 'asleep' }])).toEqual([
    expect.stringContaining('/items/0/state'),
  ]);
  expect(check([], { status: 207 })).toEqual(['the status 207 is not documented']);
  expect(check([], { headers: { ...json, 'x-new': '1' } })).toEqual(['the header x-new is not documented']);
  expect(check([], { headers: { 'content-type': 'text/plain' } })).toHaveLength(2);
  const shop = readContract((await makeDocument(shopConfig)).text);
  const items = (body: object) =>
    shop.violations('GET', '/shop/items', {
      status: 200,
      headers: new Headers(json),
      text: JSON.stringify(body),
    });
  expect(items({ limit: 1, tag: [], tenant: 'default' })).toEqual([]);
  expect(items({ limit: 1, tag: [], tenant: 'default', secret: 1 })).toEqual([
    expect.stringContaining('secret'),
  ]);
  expect(items({ limit: '1', tag: [], tenant: 'default' })).toEqual([expect.stringContaining('/limit')]);
  const problem = { type: '/problems/conflict', title: '', status: 422, detail: '', instance: '' };
  expect(
    contract.violations('GET', '/v1/workers', {
      status: 422,
      headers: new Headers({ ...json, 'content-type': 'application/problem+json' }),
      text: JSON.stringify(problem),
    }),
  ).toEqual([expect.stringContaining('/type must be equal to one of')]);
});
