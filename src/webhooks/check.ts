import { faultOfUrl } from '../egress/check-url.ts';
import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import { isWebhookSecret } from './signature.ts';

/** The URL as it is kept. @throws validation where it would not be called. */
export function checkUrl({ egress }: Pick<Lovage, 'egress'>, url: string, pointer: string): string {
  const fault = faultOfUrl(url, egress.allow);
  if (fault) throw refuse(pointer, fault);
  return new URL(url).href;
}

/** A secret as it is stored. @throws validation, or not-configured without LOVAGE_SECRET. */
export function sealSecret({ secret }: Pick<Lovage, 'secret'>, text: string, pointer: string): Buffer {
  if (!isWebhookSecret(text)) throw refuse(pointer, 'must be whsec_ and 24 to 64 bytes in base64');
  return secret.encrypt('webhook-secret', text);
}

const refuse = (pointer: string, detail: string): LovageError =>
  new LovageError('validation', 'The webhook does not fit', { faults: [{ pointer, detail }] });
