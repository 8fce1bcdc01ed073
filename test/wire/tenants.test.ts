import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKey } from '../../src/keys/create.ts';
import { config } from '../api/fixture.ts';
import { type HttpLab, openHttpLab, OPERATOR } from '../api/http-lab.ts';
import { send } from '../worker/processes.ts';
import { bodyOf, callProcedure, callRoute, proceduresOf, routesOf, type Called } from './surface.ts';

const ALL = ['enqueue', 'read', 'cancel', 'admin'] as const;
/** Found in an answer, it has come from what belongs to the other tenant. */
const MARK = 'belongs-to-acme';

let lab: HttpLab;
let keys: Record<'acme' | 'globex', string>;
beforeAll(async () => {
  lab = await openHttpLab();
  keys = { acme: await lab.keyFor([...ALL], 'acme'), globex: await lab.keyFor([...ALL], 'globex') };
});
afterAll(() => lab[Symbol.asyncDispose]());

/** Makes one of acme's things and returns its id. Tables are written directly: what is here must not depend on a route. */
const insert = async (table: string, fields: Record<string, unknown>) => {
  const row = { id: randomUUID(), tenant: 'acme', ...fields };
  await lab.lab.sql(
    `INSERT INTO lovage.${table} (${Object.keys(row).join(', ')})
     VALUES (${Object.keys(row)
       .map((_, index) => `$${index + 1}`)
       .join(', ')})`,
    Object.values(row),
  );
  return row.id;
};
const task = async (name: string) =>
  (await send(lab.lab, name, [{ tenant: 'acme', tags: [MARK], createdBy: MARK }]))[0] ?? '';
const endpoint = () =>
  insert('webhook_endpoint', { url: `https://example.com/${MARK}`, secret: Buffer.from('x') });

interface Thing {
  table: string;
  make: () => Promise<string>;
}
/** What an id in a path or an input stands for, by where it stands. */
const THINGS: readonly [where: RegExp, thing: Thing][] = [
  [/^\w+ \/old\/|old\.analyze/, { table: 'task', make: () => task('old.analyze') }],
  [/^\w+ \/v1\/tasks\/|^tasks\./, { table: 'task', make: () => task('diag.noop') }],
  [
    /^\w+ \/v1\/keys\/|^keys\./,
    {
      table: 'api_key',
      make: async () =>
        (await createKey(lab.lovage.pool, OPERATOR, { name: MARK, scopes: ['read'], tenant: 'acme' })).id,
    },
  ],
  [
    /^\w+ \/v1\/batches\/|^batches\./,
    { table: 'batch', make: () => insert('batch', { size: 1, label: MARK }) },
  ],
  [
    /^\w+ \/v1\/schedules\/|^schedules\./,
    {
      table: 'schedule',
      // Schedules go by their name.
      make: async () => {
        const id = randomUUID();
        return insert('schedule', {
          id,
          name: id,
          task_name: 'diag.noop',
          kind: 'cron',
          expression: '0 0 * * *',
          source: 'api',
          created_by: MARK,
        });
      },
    },
  ],
  [
    /^\w+ \/v1\/webhook-deliveries\/|^webhooks\.(?:delivery|replay)$/,
    {
      table: 'webhook_delivery',
      make: async () =>
        insert('webhook_delivery', {
          id: await task('lovage.deliverWebhook'),
          url: `https://example.com/${MARK}`,
          event: 'task.succeeded',
          payload: {},
        }),
    },
  ],
  [/^\w+ \/v1\/webhooks\/|^webhooks\./, { table: 'webhook_endpoint', make: endpoint }],
];

/** Parameters that name nobody's thing. */
const NAMES_NOTHING: readonly [where: RegExp, why: string][] = [
  [/^post \/v1\/tasks\/\{id\}$/, 'the name of a definition'],
  [/^\w+ \/v1\/queues\/\{name\}|^queues\./, 'queues are shared, and another tenant’s keys are refused'],
  [/^\w+ \/v1\/workers\/\{id\}|^workers\./, 'workers are shared, and another tenant’s keys are refused'],
];
/** What all tenants share: keys of other tenants than the house's own are refused. */
const SHARED =
  /^\w+ (?:\/v1\/(?:queues|workers|archive|stats)|\/metrics$)|^(?:queues|workers|archive|stats)\./;

/** What a put names may be the caller's own and new: another tenant's of the same name must only stay as it is. */
const MAKES_OWN = /^put \/v1\/schedules|^schedules\.put$/;

const isNamed = (where: string) => NAMES_NOTHING.some(([pattern]) => pattern.test(where));

function thingAt(where: string): Thing {
  const found = THINGS.find(([pattern]) => pattern.test(where))?.[1];
  if (found) return found;
  throw new Error(
    `${where} takes an id and nobody has said of what: add it to THINGS in ${import.meta.filename.split('/').at(-1)}`,
  );
}

const rowOf = async ({ table }: Thing, id: string) =>
  lab.lab.sql(`SELECT r::text AS row FROM lovage.${table} r WHERE id = $1`, [id]);

/** Streams and batches say it in their text. */
const isNotFound = ({ status, text }: Called) => status === 404 || text.includes('-not-found');

/** As the other tenant: not found, nothing told, nothing changed. As its owner: found. */
async function expectIsolation(
  where: string,
  call: (id: string, key: string) => Promise<Called>,
): Promise<void> {
  const thing = thingAt(where);
  const id = await thing.make();
  const before = await rowOf(thing, id);
  const stranger = await call(id, keys.globex);
  expect
    .soft(
      isNotFound(stranger) || MAKES_OWN.test(where),
      `${where}: not found for another tenant (422: it needs a body): ${stranger.text}`,
    )
    .toBe(true);
  expect.soft(stranger.text, `${where} tells another tenant what it shows`).not.toContain(MARK);
  expect.soft(await rowOf(thing, id), `${where} lets another tenant change it`).toEqual(before);
  const owner = await call(id, keys.acme);
  expect
    .soft(isNotFound(owner), `${where}: its owner must find it, or the above shows nothing: ${owner.text}`)
    .toBe(false);
}

test('no route finds a thing of another tenant by its id, and none changes it', async () => {
  const routes = (await routesOf(lab)).filter(
    ({ name, parameters }) => parameters.length > 0 && !isNamed(name),
  );
  expect(routes.length).toBeGreaterThanOrEqual(12);
  for (const route of routes) {
    await expectIsolation(route.name, (id, key) =>
      callRoute(lab, route, route.path.replaceAll(/\{\w+\}/g, id), key),
    );
  }
});

test('no procedure finds a thing of another tenant by its id, and none changes it', async () => {
  const isId = (name: string, field: string) =>
    (/^id$|Id$/.test(field) && field !== 'lastEventId') ||
    (name.startsWith('schedules.') && field === 'name');
  const takesId = ({ name, fields }: { name: string; fields: string[] }) =>
    !isNamed(name) && fields.some((field) => isId(name, field));
  const procedures = proceduresOf(config).filter(takesId);
  expect(procedures.length).toBeGreaterThanOrEqual(11);
  for (const procedure of procedures) {
    const ids = (id: string) =>
      Object.fromEntries(
        procedure.fields.filter((field) => isId(procedure.name, field)).map((field) => [field, id]),
      );
    await expectIsolation(procedure.name, (id, key) =>
      callProcedure(lab, procedure, { ...(bodyOf(procedure.name) as object), ...ids(id) }, key),
    );
  }
});

const isCollection = ({ name, parameters }: { name: string; parameters: string[] }) =>
  name.startsWith('get ') && parameters.length === 0 && !SHARED.test(name);

test('no list or count shows a thing of another tenant', async () => {
  for (const [, { make }] of THINGS) await make();
  await lab.call('POST', '/v1/tasks/diag.noop', { key: keys.acme, body: {} });
  const routes = (await routesOf(lab)).filter(isCollection);
  expect(routes.length).toBeGreaterThanOrEqual(3);
  for (const route of routes) {
    const filter = /\/(?:tasks|stream)$/.test(route.path) ? `?tag=${MARK}` : '';
    const { status, text } = await callRoute(lab, route, route.path + filter, keys.globex);
    expect.soft(status, `${route.name}: ${text}`).toBe(200);
    expect.soft(text, route.name).not.toMatch(/acme/);
  }
  for (const procedure of proceduresOf(config)) {
    const { name, type } = procedure;
    if (type !== 'query' || !/\.(list|count)\w*$/.test(name) || SHARED.test(name)) continue;
    const { text } = await callProcedure(lab, procedure, {}, keys.globex);
    expect.soft(text, name).not.toMatch(/acme/);
  }
  expect((await lab.call('GET', '/v1/tasks', { key: keys.globex })).body.items).toEqual([]);
  expect((await lab.call('GET', '/v1/tasks', { key: keys.acme })).text).toContain(MARK);
});

test('no sweep touches a task of another tenant', async () => {
  const waiting = await task('diag.noop');
  const cancelled = await task('diag.noop');
  await lab.call('POST', `/v1/tasks/${cancelled}/cancel`, { key: keys.acme });
  const states = async () =>
    Promise.all([waiting, cancelled].map(async (id) => rowOf({ table: 'task', make: endpoint }, id)));
  const before = await states();
  const cancel = await lab.call('POST', '/v1/tasks:cancel', { key: keys.globex, body: {} });
  expect(cancel.body).toMatchObject({ cancelled: 0, requested: 0, skipped: 0 });
  const retry = await lab.call('POST', '/v1/tasks:retry', {
    key: keys.globex,
    body: { state: ['cancelled'] },
  });
  expect(retry.body).toMatchObject({ queued: 0, skipped: 0 });
  expect(await states()).toEqual(before);
});

test('what all tenants share is the house’s: another tenant’s admin neither sees nor stops it', async () => {
  const routes = (await routesOf(lab)).filter(({ name }) => SHARED.test(name));
  expect(routes.length).toBeGreaterThanOrEqual(4);
  for (const route of routes) {
    const { status, text } = await callRoute(lab, route, route.path.replace('{name}', 'diag'), keys.globex);
    expect.soft(status, `${route.name}: ${text}; make it with sharedProcedureFor`).toBe(403);
  }
  for (const procedure of proceduresOf(config).filter(({ name }) => SHARED.test(name))) {
    const { status } = await callProcedure(lab, procedure, { name: 'diag' }, keys.globex);
    expect.soft(status, `${procedure.name}: make it with sharedProcedureFor`).toBe(403);
  }
  expect((await lab.call('GET', '/v1/queues/diag')).body).toMatchObject({ paused: null });
});

test('a route that takes an id of which nobody has said what it is fails by name', () => {
  expect(() => thingAt('get /v1/parcels/{id}')).toThrow(/get \/v1\/parcels\/\{id\} takes an id/);
});
