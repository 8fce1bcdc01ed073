import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuthenticator } from '../../src/keys/authenticate.ts';
import { createKey } from '../../src/keys/create.ts';
import type { NewKeyView } from '../../src/wire/key.ts';
import {
  type Answer,
  type CallOptions,
  type HttpLab,
  openHttpLab,
  OPERATOR,
  pointers,
} from '../api/http-lab.ts';
import { until } from '../lab.ts';

let lab: HttpLab;
beforeAll(async () => {
  lab = await openHttpLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const UNKNOWN = '0197b6f0-0000-7000-8000-000000000000';
/** What an answer shows of a key. */
const keyIn = ({ body }: Answer) => body as unknown as NewKeyView & { outcome: string };
const make = async (body: object, key?: string) => {
  const answer = await lab.call('POST', '/v1/keys', { body, ...(key !== undefined && { key }) });
  expect(answer.status, answer.text).toBe(201);
  return keyIn(answer);
};
const works = async (key: string) => (await lab.call('GET', '/v1/tasks', { key })).status === 200;
const isRefused = (key: string) =>
  until(
    () => works(key),
    (does) => !does,
    2_500,
  );

// Several wait until a node forgets what it knows of a key: they do so together.
describe.concurrent('a key', () => {
  test('is made, shown once, listed, shown and revoked over REST', async () => {
    const answer = await lab.call('POST', '/v1/keys', {
      body: { name: 'ci', scopes: ['read'], priority: 7, rate: { limit: 100, periodMs: 60_000 } },
    });
    const made = keyIn(answer);
    expect(answer.headers.get('location')).toBe(`/v1/keys/${made.id}`);
    expect(made).toMatchObject({
      name: 'ci',
      tenant: 'default',
      scopes: ['read'],
      state: 'live',
      priority: 7,
      rate: { limit: 100, periodMs: 60_000 },
      createdBy: 'key:root',
      key: expect.stringMatching(/^lv_[\w-]{32}$/) as string,
    });
    expect(await works(made.key)).toBe(true);

    const { key: secret, ...shown } = made;
    const got = await lab.call('GET', `/v1/keys/${made.id}`);
    expect(keyIn(got)).toMatchObject({
      ...shown,
      lastUsedAt: got.body['lastUsedAt' as keyof typeof got.body],
    });
    const listed = await lab.call('GET', '/v1/keys');
    expect(listed.text).toContain(made.id);
    expect(listed.text + got.text).not.toContain(secret);

    expect(keyIn(await lab.call('DELETE', `/v1/keys/${made.id}`))).toMatchObject({
      state: 'revoked',
      outcome: 'revoked',
    });
    expect(keyIn(await lab.call('DELETE', `/v1/keys/${made.id}`)).outcome).toBe('already_revoked');
    await isRefused(made.key);
  });

  test('does the same over tRPC', async () => {
    const trpc = async (verb: string, input: object) => {
      const headers = { 'content-type': 'application/json' };
      const { text } = await lab.call('POST', `/trpc/${verb}`, { body: input, headers });
      return (JSON.parse(text) as { result: { data: NewKeyView & { key: NewKeyView; outcome: string } } })
        .result.data;
    };
    const made = await trpc('keys.create', { name: 'typed', scopes: ['read'] });
    const next = await trpc('keys.rotate', { id: made.id });
    expect(next).toMatchObject({ name: 'typed', scopes: ['read'], state: 'live' });
    expect(await trpc('keys.update', { id: next.id, priority: 3 })).toMatchObject({ priority: 3 });
    expect(await trpc('keys.revoke', { id: next.id })).toMatchObject({ outcome: 'revoked' });
    const input = encodeURIComponent(JSON.stringify({ id: made.id }));
    const got = await lab.call('GET', `/trpc/keys.get?input=${input}`);
    expect(JSON.parse(got.text)).toMatchObject({
      result: { data: { state: 'revoked', replacedBy: next.id } },
    });
  });

  test('is listed in pages, the newest first', async () => {
    for (const name of ['one', 'two', 'three']) await make({ name, tenant: 'paged' });
    const page = await lab.call('GET', '/v1/keys?tenant=paged&limit=2');
    expect(page.body.items.map(({ name }) => name)).toEqual(['three', 'two']);
    const rest = await lab.call('GET', `/v1/keys?tenant=paged&limit=2&cursor=${page.body.nextCursor}`);
    expect(rest.body).toMatchObject({ items: [{ name: 'one' }], nextCursor: null });
  });

  test('that is wrong is refused, whatever its length', async () => {
    const { key } = await make({ name: 'exact' });
    const doors = createAuthenticator(lab.lovage.pool, 'the-root-key-of-this-node');
    expect(await doors.authenticate(key)).not.toBeNull();
    const beginnings = Array.from({ length: key.length }, (_, length) => key.slice(0, length));
    const others = [`${key}x`, key.toUpperCase(), key.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))];
    for (const wrong of [...beginnings, ...others, 'the-root-key-of-this-nod', 'the-root-key-of-this-nodee'])
      expect(await doors.authenticate(wrong), `${wrong.length} characters`).toBeNull();
  });

  test('says to the minute when it was last used, and many are noted in one statement', async () => {
    const [one, two, three] = [
      await make({ name: 'u1' }),
      await make({ name: 'u2' }),
      await make({ name: 'u3' }),
    ];
    const noted: string[][] = [];
    const query = (config: { name?: string; text: string; values: [string[]] }) => {
      if (config.name === 'lovage_key_used') noted.push(config.values[0]);
      return lab.lovage.pool.query(config);
    };
    const doors = createAuthenticator({ query } as unknown as pg.Pool, undefined);
    const usedAt = async (id: string) => keyIn(await lab.call('GET', `/v1/keys/${id}`)).lastUsedAt;
    expect(await usedAt(one.id)).toBeNull();

    await Promise.all([one, two, one, two, one].map(({ key }) => doors.authenticate(key)));
    const first = await until(() => usedAt(one.id));
    expect(Date.now() - Date.parse(first ?? '')).toBeLessThan(60_000);
    // Whatever is to be written of these comes at the same time, or not at all.
    for (const { key } of [one, two, three]) await doors.authenticate(key);
    await until(() => usedAt(three.id));
    expect(await usedAt(one.id)).toBe(first);
    expect(noted.map((ids) => ids.toSorted())).toEqual([[one.id, two.id].toSorted(), [three.id]]);
  });

  test('without a priority of its own leaves it to the definition, and the caller has the last word', async () => {
    const [eager, plain] = [await make({ name: 'eager', priority: 9 }), await make({ name: 'plain' })];
    const priorityOf = async (key: string, query = '') =>
      (await lab.call('POST', `/v1/tasks/diag.noop${query}`, { key, body: {} })).body.priority;
    expect(await priorityOf(eager.key)).toBe(9);
    expect(await priorityOf(eager.key, '?priority=2')).toBe(2);
    expect(await priorityOf(plain.key)).toBe(0);
  });

  test('goes by a change of its priority and expiry within two seconds', async () => {
    const { key, id } = await make({ name: 'changing', rate: { limit: 1_000, periodMs: 60_000 } });
    expect(await works(key)).toBe(true);
    const patched = await lab.call('PATCH', `/v1/keys/${id}`, {
      body: { rate: null, expiresAt: '2020-01-01T00:00:00Z' },
    });
    expect(keyIn(patched)).toMatchObject({ state: 'expired', rate: null, priority: null });
    await isRefused(key);
    await lab.call('PATCH', `/v1/keys/${id}`, { body: { expiresAt: null } });
    await until(() => works(key), Boolean, 2_500);
  });
});

describe.concurrent('a rotation', () => {
  test('puts a key of the same name, scopes and limits in the place of one that is refused from now on', async () => {
    const former = await make({
      name: 'turning',
      scopes: ['read'],
      priority: 4,
      rate: { limit: 50, periodMs: 1_000 },
    });
    const answer = await lab.call('POST', `/v1/keys/${former.id}/rotate`);
    const { key, id, ...next } = keyIn(answer);
    expect(answer.status).toBe(201);
    expect(next).toMatchObject({
      name: 'turning',
      scopes: ['read'],
      priority: 4,
      rate: { limit: 50, periodMs: 1_000 },
      state: 'live',
    });
    expect(key).not.toBe(former.key);
    expect(await works(key)).toBe(true);
    await isRefused(former.key);
    expect(keyIn(await lab.call('GET', `/v1/keys/${former.id}`))).toMatchObject({
      state: 'revoked',
      replacedBy: id,
    });
  });

  test('lets the former key work on for its grace, and not longer than it would have', async () => {
    const [soon, late] = [
      new Date(Date.now() + 60_000).toISOString(),
      new Date(Date.now() + 7_200_000).toISOString(),
    ];
    for (const [expiresAt, ends] of [
      [soon, soon],
      [late, undefined],
    ] as const) {
      const former = await make({ name: 'graceful', scopes: ['read'], expiresAt });
      const next = await lab.call('POST', `/v1/keys/${former.id}/rotate`, { body: { graceMs: 3_600_000 } });
      expect(keyIn(next).expiresAt).toBe(expiresAt);
      const old = keyIn(await lab.call('GET', `/v1/keys/${former.id}`));
      expect(old).toMatchObject({ state: 'live', replacedBy: keyIn(next).id });
      if (ends === undefined) expect(Date.parse(old.expiresAt ?? '')).toBeLessThan(Date.now() + 3_700_000);
      else expect(old.expiresAt).toBe(ends);
      expect(await works(former.key)).toBe(true);
    }
  });

  test('succeeds once of ten at the same time', async () => {
    const { id } = await make({ name: 'wanted', tenant: 'rush' });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        lab.call('POST', `/v1/keys/${id}/rotate`, { body: { graceMs: 60_000 } }),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      201,
      ...Array<number>(9).fill(409),
    ]);
    expect((await lab.call('GET', '/v1/keys?tenant=rush')).body.items).toHaveLength(2);
  });

  test('of a revoked key is a conflict, and so is a change', async () => {
    const { id } = await make({ name: 'gone' });
    await lab.call('DELETE', `/v1/keys/${id}`);
    const rotated = await lab.call('POST', `/v1/keys/${id}/rotate`);
    expect(rotated).toMatchObject({ status: 409, body: { type: '/problems/conflict' } });
    expect((await lab.call('PATCH', `/v1/keys/${id}`, { body: { priority: 1 } })).status).toBe(409);
  });
});

describe('an admin key', () => {
  const asAdmin = async (tenant: string) => make({ name: 'boss', scopes: ['admin'], tenant });

  test('makes and lists keys of its own tenant, and of no other', async () => {
    const { key } = await asAdmin('acme');
    const own = await make({ name: 'worker' }, key);
    expect(own).toMatchObject({ tenant: 'acme', createdBy: 'key:boss' });
    expect(await make({ name: 'again', tenant: 'acme' }, key)).toMatchObject({ tenant: 'acme' });
    for (const tenant of ['default', 'globex'])
      expect(await lab.call('POST', '/v1/keys', { key, body: { name: 'spy', tenant } })).toMatchObject({
        status: 403,
        body: { type: '/problems/forbidden' },
      });
    const { items } = (await lab.call('GET', '/v1/keys', { key })).body as unknown as { items: NewKeyView[] };
    expect(new Set(items.map(({ tenant }) => tenant))).toEqual(new Set(['acme']));
    expect((await lab.call('GET', '/v1/keys?tenant=default', { key })).status).toBe(403);
  });

  test('reaches no key of another tenant, whatever it tries', async () => {
    const { key } = await asAdmin('acme');
    const theirs = await make({ name: 'theirs', tenant: 'globex' });
    const tries: [string, string, CallOptions?][] = [
      ['GET', ''],
      ['PATCH', '', { body: { priority: 1 } }],
      ['POST', '/rotate'],
      ['DELETE', ''],
    ];
    for (const [method, path, options] of tries) {
      for (const id of [theirs.id, UNKNOWN, 'no-id']) {
        const answer = await lab.call(method, `/v1/keys/${id}${path}`, { ...options, key });
        expect(answer).toMatchObject({ status: 404, body: { type: '/problems/key-not-found' } });
      }
    }
    expect(await works(theirs.key)).toBe(true);
  });

  test('is what the verb asks for before it grants a scope', async () => {
    const caller = { actor: 'key:x', tenant: 'acme', scopes: new Set(['enqueue'] as const) };
    const grant = (scope: 'enqueue' | 'read') =>
      createKey(lab.lovage.pool, caller, { name: 'more', scopes: [scope] });
    await expect(grant('read')).rejects.toMatchObject({ code: 'forbidden' });
    expect(await grant('enqueue')).toMatchObject({ scopes: ['enqueue'] });
    await expect(createKey(lab.lovage.pool, OPERATOR, { name: 'root', scopes: [] })).rejects.toMatchObject({
      code: 'validation',
    });
  });
});

test.each<[object, string[]]>([
  [{}, ['/name']],
  [{ name: '' }, ['/name', '/name']],
  [{ name: 'two words' }, ['/name']],
  [{ name: 'root' }, ['/name']],
  [{ name: 'x', scopes: ['everything'] }, ['/scopes/0']],
  [{ name: 'x', scopes: [] }, ['/scopes']],
  [{ name: 'x', rate: { limit: 0, periodMs: 60_000 } }, ['/rate/limit']],
  [{ name: 'x', rate: { limit: 5 } }, ['/rate/periodMs']],
  [{ name: 'x', priority: 5_000 }, ['/priority']],
  [{ name: 'x', expiresAt: 'soon' }, ['/expiresAt']],
  [{ name: 'x', colour: 'red' }, ['/colour']],
])('a key like %j is refused, and nothing is made', async (body, faults) => {
  const count = async () => (await lab.lab.sql('SELECT FROM lovage.api_key')).length;
  const before = await count();
  const answer = await lab.call('POST', '/v1/keys', { body });
  expect(answer.status).toBe(422);
  expect(pointers(answer)).toEqual(faults);
  expect(await count()).toBe(before);
});
