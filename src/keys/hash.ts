import { createHash, randomBytes } from 'node:crypto';

/** A key is 192 random bits, so a plain hash is as good as a slow one and can be looked up. */
export function generateKey(): string {
  return `lv_${randomBytes(24).toString('base64url')}`;
}

export const hashKey = (key: string): Buffer => createHash('sha256').update(key).digest();

/** What people recognise a key by. */
export const prefixOf = (key: string): string => key.slice(0, 9);
