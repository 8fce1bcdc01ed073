import { afterAll, beforeAll, expect, test } from 'vitest';
import { SCOPES, type Scope } from '../../src/wire.ts';
import { config } from '../api/fixture.ts';
import { type HttpLab, openHttpLab } from '../api/http-lab.ts';
import { bodyOf, callProcedure, callRoute, proceduresOf, routesOf } from './surface.ts';

let lab: HttpLab;
/** A key without any scope, and for each scope one that has nothing but it. */
let none: string;
let only: Record<Scope, string>;
beforeAll(async () => {
  lab = await openHttpLab();
  none = await lab.keyFor([]);
  const made = await Promise.all(SCOPES.map(async (scope) => [scope, await lab.keyFor([scope])] as const));
  only = Object.fromEntries(made) as typeof only;
});
afterAll(() => lab[Symbol.asyncDispose]());

const UNKNOWN = '0197b6f0-0000-7000-8000-000000000000';
const everything = () =>
  lab.lab
    .sql(`SELECT (SELECT count(*)::int FROM lovage.task) AS tasks, (SELECT count(*)::int FROM lovage.api_key) AS keys,
                      (SELECT count(*)::int FROM lovage.queue_control WHERE paused_at IS NOT NULL) AS paused`);

/** What a route that is not named here asks for is told by its procedure, and by its method. */
const EXPECTED: Record<string, Scope> = {
  'get /v1/tasks': 'read',
  'get /v1/tasks/{id}': 'read',
  'get /v1/tasks/{id}/result': 'read',
  'get /v1/tasks/{id}/events': 'read',
  'get /v1/tasks/{id}/attempts': 'read',
  'get /v1/tasks/{id}/explain': 'read',
  'post /v1/tasks/{id}': 'enqueue',
  'post /v1/tasks/{id}/retry': 'enqueue',
  'post /v1/tasks:retry': 'enqueue',
  'post /v1/tasks/{id}/cancel': 'cancel',
  'post /v1/tasks:cancel': 'cancel',
  'post /v1/tasks:batch': 'enqueue',
  'get /v1/batches': 'read',
  'get /v1/batches/{id}/tasks': 'read',
  'post /v1/batches/{id}/cancel': 'cancel',
  'get /v1/queues': 'read',
  'get /v1/queues/{name}': 'read',
  'post /v1/queues/{name}/pause': 'admin',
  'post /v1/queues/{name}/resume': 'admin',
  'get /v1/keys': 'admin',
  'post /v1/keys': 'admin',
  'get /v1/keys/{id}': 'admin',
  'patch /v1/keys/{id}': 'admin',
  'delete /v1/keys/{id}': 'admin',
  'post /v1/keys/{id}/rotate': 'admin',
  'get /v1/audit': 'admin',
};

/** These read, and have a body to say what. */
const READS_BY_POST = ['post /v1/schedules:preview', 'post /v1/stream-tickets'];

const placed = (path: string) => path.replace('{name}', 'nowhere').replaceAll(/\{\w+\}/g, UNKNOWN);

test('every route refuses a key without a scope before it looks at anything, and does nothing', async () => {
  const before = await everything();
  const routes = await routesOf(lab);
  expect(routes.length).toBeGreaterThan(20);
  for (const route of routes) {
    const { status, text } = await callRoute(lab, route, placed(route.path), none);
    expect.soft(status, `${route.name} (422: it needs a body in BODIES): ${text}`).toBe(403);
  }
  expect(await everything()).toEqual(before);
});

test('each route asks for its own scope, and an admin has every one', async () => {
  const routes = new Map((await routesOf(lab)).map((route) => [route.name, route]));
  for (const [name, scope] of Object.entries(EXPECTED)) {
    const route = routes.get(name);
    if (!route) throw new Error(`there is no route ${name}`);
    for (const held of SCOPES) {
      const { status, text } = await callRoute(lab, route, placed(route.path), only[held]);
      const isLetIn = held === scope || held === 'admin';
      expect.soft(status !== 403, `${name} with ${held}: ${status} ${text}`).toBe(isLetIn);
    }
  }
});

test('no key that may only read changes anything, and none that may not read sees anything', async () => {
  for (const route of await routesOf(lab)) {
    const isReading = route.method === 'GET' || READS_BY_POST.includes(route.name);
    const wrong: Scope[] = isReading ? ['enqueue', 'cancel'] : ['read'];
    for (const held of wrong) {
      const { status } = await callRoute(lab, route, placed(route.path), only[held]);
      expect.soft(status, `${route.name} with ${held}`).toBe(403);
    }
  }
});

test('every procedure says which scope it asks for, and asks for that one', async () => {
  const procedures = proceduresOf(config);
  expect(procedures.length).toBeGreaterThan(20);
  for (const procedure of procedures) {
    const { name, scope } = procedure;
    expect.soft(SCOPES, `${name} is not made with procedureFor`).toContain(scope);
    for (const held of SCOPES) {
      const input = { ...(bodyOf(name) as object), id: UNKNOWN };
      const { text } = await callProcedure(lab, procedure, input, only[held]);
      const isLetIn = held === scope || held === 'admin';
      expect.soft(!text.includes('problems/forbidden'), `${name} with ${held}: ${text}`).toBe(isLetIn);
    }
  }
});
