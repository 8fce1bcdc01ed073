import type { Lovage } from '../lovage.ts';
import type { NewTask } from '../queue/send.ts';
import { checkUrl, sealSecret } from './check.ts';

/** Where to tell of the end of one task or batch. Without a secret the message goes unsigned. */
export interface Callback {
  url: string;
  /** `whsec_…`: encrypted before it is stored. */
  secret?: string | undefined;
}

/** @throws validation for a URL that would not be called; not-configured for a secret without LOVAGE_SECRET. */
export function sealCallback(
  lovage: Pick<Lovage, 'secret' | 'egress'>,
  { url, secret }: Callback,
  at = { url: '/callback/url', secret: '/callback/secret' },
): NonNullable<NewTask['callback']> {
  return {
    url: checkUrl(lovage, url, at.url),
    secret: secret === undefined ? undefined : sealSecret(lovage, secret, at.secret).toString('base64'),
  };
}
