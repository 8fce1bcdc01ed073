import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAuthenticator } from '../../src/keys/authenticate.ts';
import { createKey, type NewKey } from '../../src/keys/create.ts';
import { listKeys } from '../../src/keys/list.ts';
import { revokeKey } from '../../src/keys/revoke.ts';
import { OPERATOR } from '../api/http-lab.ts';
import { openLab, until, type Lab } from '../lab.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const make = (request: Partial<NewKey> = {}) =>
  createKey(lab.lovage.pool, OPERATOR, { name: 'ci', scopes: ['read'], ...request });

/** The lab's pool, counting what goes through it. */
function counted() {
  let statements = 0;
  const query = (...args: unknown[]) => {
    statements += 1;
    return (lab.lovage.pool.query as (...given: unknown[]) => unknown)(...args);
  };
  return { pool: { query } as unknown as pg.Pool, statements: () => statements };
}

test('a key says who calls, for whom, and what is allowed', async () => {
  const { key, id } = await make({ name: 'robot', scopes: ['enqueue', 'cancel'], tenant: 'acme' });
  const doors = createAuthenticator(lab.lovage.pool, undefined);
  expect(await doors.authenticate(key)).toEqual({
    actor: 'key:robot',
    tenant: 'acme',
    scopes: new Set(['enqueue', 'cancel']),
    key: { id, rate: null },
  });
});

test('nothing in the table is the key, and no list shows it', async () => {
  const { key, prefix } = await make({ name: 'hidden' });
  const dump = JSON.stringify(
    await lab.sql('SELECT k::text, encode(hash, $1) FROM lovage.api_key k', ['escape']),
  );
  expect(dump).not.toContain(key);
  expect(key.startsWith(prefix)).toBe(true);
  const { items: listed } = await listKeys(lab.lovage.pool, OPERATOR);
  expect(JSON.stringify(listed)).not.toContain(key);
  expect(listed.find(({ name }) => name === 'hidden')).toMatchObject({
    prefix,
    tenant: 'default',
    scopes: ['read'],
    state: 'live',
    revokedAt: null,
  });
  expect(listed[0]).not.toHaveProperty('hash');
});

test('keys are never the same', async () => {
  const keys = await Promise.all(Array.from({ length: 50 }, () => make()));
  expect(new Set(keys.map(({ key }) => key)).size).toBe(50);
  for (const { key } of keys) expect(key).toMatch(/^lv_[\w-]{32}$/);
});

test('a revoked key is refused within two seconds on every node', async () => {
  const { key, id } = await make();
  const nodes = [1, 2].map(() => createAuthenticator(lab.lovage.pool, undefined));
  for (const node of nodes) expect(await node.authenticate(key)).not.toBeNull();
  expect(await revokeKey(lab.lovage.pool, OPERATOR, id)).toMatchObject({ outcome: 'revoked' });
  const from = performance.now();
  for (const node of nodes)
    await until(
      () => node.authenticate(key),
      (caller) => caller === null,
      2_000,
    );
  expect(performance.now() - from).toBeLessThan(2_000);
  expect(await revokeKey(lab.lovage.pool, OPERATOR, id)).toMatchObject({ outcome: 'already_revoked' });
});

test('an expired key is refused, also when it expires while it is known', async () => {
  const doors = createAuthenticator(lab.lovage.pool, undefined);
  expect(await doors.authenticate((await make({ expiresAt: '2020-01-01T00:00:00Z' })).key)).toBeNull();
  const { key } = await make({ expiresAt: new Date(Date.now() + 1_500).toISOString() });
  expect(await doors.authenticate(key)).not.toBeNull();
  await until(
    () => doors.authenticate(key),
    (caller) => caller === null,
    3_500,
  );
});

test('a key is looked up once, not once a request, and so is one that is unknown', async () => {
  const { key } = await make();
  const { pool, statements } = counted();
  const doors = createAuthenticator(pool, undefined);
  const callers = await Promise.all(Array.from({ length: 200 }, () => doors.authenticate(key)));
  expect(callers.every((caller) => caller?.actor === 'key:ci')).toBe(true);
  for (let n = 0; n < 50; n += 1) await doors.authenticate('lv_unknown');
  expect(statements()).toBe(2);
});

test('a look-up that failed is asked again', async () => {
  const { key } = await make();
  let isAway = true;
  const pool = {
    query: (...args: unknown[]) =>
      isAway
        ? Promise.reject(new Error('away'))
        : (lab.lovage.pool.query as (...given: unknown[]) => unknown)(...args),
  } as unknown as pg.Pool;
  const doors = createAuthenticator(pool, undefined);
  await expect(doors.authenticate(key)).rejects.toThrow('away');
  isAway = false;
  expect(await doors.authenticate(key)).toMatchObject({ actor: 'key:ci' });
});

test('the root key has every right and needs no database', async () => {
  const { pool, statements } = counted();
  const doors = createAuthenticator(pool, 'the-root-key-of-this-node');
  expect(await doors.authenticate('the-root-key-of-this-node')).toEqual({
    actor: 'key:root',
    tenant: 'default',
    scopes: new Set(['enqueue', 'read', 'cancel', 'admin']),
    isOperator: true,
  });
  expect(statements()).toBe(0);
});
