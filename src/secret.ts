import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { LovageError } from './errors.ts';

/** What is done with `LOVAGE_SECRET`; each purpose has a key of its own. */
export type Purpose = 'stream-ticket' | 'webhook-secret' | 'link' | `vault:${string}`;

/** Signs what leaves the house to come back, and encrypts what is stored. */
export interface Secret {
  sign(purpose: Purpose, text: string): string;
  isSignedBy(purpose: Purpose, text: string, signature: string): boolean;
  encrypt(purpose: Purpose, text: string): Buffer;
  /** @throws LovageError `not-configured` when it was encrypted under another secret. */
  decrypt(purpose: Purpose, encrypted: Buffer): string;
}

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** `master` undefined: everything refuses with `not-configured`. */
export function createSecret(master: string | undefined): Secret {
  const keys = new Map<Purpose, Buffer>();
  const keyFor = (purpose: Purpose): Buffer => {
    if (master === undefined) {
      throw new LovageError('not-configured', 'This needs LOVAGE_SECRET, the same on every node');
    }
    const key = keys.get(purpose) ?? Buffer.from(hkdfSync('sha256', master, 'lovage', purpose, 32));
    keys.set(purpose, key);
    return key;
  };
  const sign = (purpose: Purpose, text: string): string =>
    createHmac('sha256', keyFor(purpose)).update(text).digest('base64url');

  return {
    sign,
    isSignedBy(purpose, text, signature) {
      const [expected, given] = [Buffer.from(sign(purpose, text)), Buffer.from(signature)];
      return expected.length === given.length && timingSafeEqual(expected, given);
    },
    encrypt(purpose, text) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, keyFor(purpose), iv);
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]);
    },
    decrypt(purpose, encrypted) {
      const bodyAt = IV_BYTES + TAG_BYTES;
      const key = keyFor(purpose);
      try {
        const decipher = createDecipheriv(CIPHER, key, encrypted.subarray(0, IV_BYTES), {
          authTagLength: TAG_BYTES,
        });
        decipher.setAuthTag(encrypted.subarray(IV_BYTES, bodyAt));
        return Buffer.concat([decipher.update(encrypted.subarray(bodyAt)), decipher.final()]).toString(
          'utf8',
        );
      } catch (error) {
        throw new LovageError('not-configured', 'This was stored under another LOVAGE_SECRET', {
          cause: error,
        });
      }
    },
  };
}
