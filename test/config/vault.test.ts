import { expect, test } from 'vitest';
import { LovageError } from '../../src/errors.ts';
import { createSecret } from '../../src/secret.ts';
import { vaultFor } from '../../src/vault.ts';

const secret = createSecret('a-secret-of-at-least-32-characters');
const vault = vaultFor(secret, 'visuals');

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof LovageError) return error.code;
    throw error;
  }
  return 'nothing thrown';
};

test('a vault gives back what it was given, and never writes the same twice', () => {
  const once = vault.encrypt('Ms Doe, née Ωmega');
  expect(vault.decrypt(once)).toBe('Ms Doe, née Ωmega');
  expect(vaultFor(secret, 'visuals').decrypt(once)).toBe('Ms Doe, née Ωmega');
  expect(once.includes('Doe')).toBe(false);
  expect(vault.encrypt('Ms Doe, née Ωmega')).not.toEqual(once);
});

test('another pack, another secret, a changed byte and what is no ciphertext are refused alike', () => {
  const once = vault.encrypt('Ms Doe');
  const other = createSecret('another-secret-of-32-characters-or-more');
  const changed = Buffer.from(once);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  expect([
    codeOf(() => vaultFor(secret, 'cards').decrypt(once)),
    codeOf(() => vaultFor(other, 'visuals').decrypt(once)),
    codeOf(() => vault.decrypt(changed)),
    codeOf(() => vault.decrypt(once.subarray(0, 20))),
    codeOf(() => vault.decrypt(Buffer.alloc(0))),
  ]).toEqual(Array.from({ length: 5 }, () => 'not-configured'));
});

test('without LOVAGE_SECRET a vault refuses when it is used, not before', () => {
  const none = vaultFor(createSecret(undefined), 'visuals');
  expect(codeOf(() => none.encrypt('x'))).toBe('not-configured');
  expect(codeOf(() => none.decrypt(Buffer.alloc(64)))).toBe('not-configured');
});
