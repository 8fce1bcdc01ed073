import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';
const SECRET = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;
const MIN_BYTES = 24;
const MAX_BYTES = 64;

export const generateSecret = (): string => PREFIX + randomBytes(32).toString('base64');

/** `whsec_` and 24 to 64 bytes in base64, as Standard Webhooks says. */
export const isWebhookSecret = (text: string): boolean => {
  const bytes = keyOf(text).length;
  return SECRET.test(text) && bytes >= MIN_BYTES && bytes <= MAX_BYTES;
};

const keyOf = (secret: string): Buffer => Buffer.from(secret.slice(PREFIX.length), 'base64');

/** The headers of a message, signed with each of the secrets. Without any it goes unsigned. */
export function signedHeaders(
  message: { id: string; body: string; at: Date },
  secrets: readonly string[],
): Record<string, string> {
  const timestamp = String(Math.floor(message.at.getTime() / 1000));
  const signed = `${message.id}.${timestamp}.${message.body}`;
  const signatures = secrets.map(
    (secret) => `v1,${createHmac('sha256', keyOf(secret)).update(signed).digest('base64')}`,
  );
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    ...(signatures.length > 0 && { 'webhook-signature': signatures.join(' ') }),
  };
}
