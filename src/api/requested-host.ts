import type { IncomingMessage } from 'node:http';
import { isTrustedPeer, type TrustedProxies } from '../settings/trusted-proxies.ts';

/** The host name that a request was sent to, in small letters; a proxy's word on it counts only where proxies are trusted. */
export function requestedHost(
  { headers, socket }: IncomingMessage,
  trusted: TrustedProxies | undefined,
): string | undefined {
  const forwarded = isTrustedPeer(socket.remoteAddress, trusted) ? headers['x-forwarded-host'] : undefined;
  // Each proxy adds the name it was called by to the right end.
  const host = forwarded?.toString().split(',').at(-1)?.trim() || headers.host;
  return URL.parse(`http://${host ?? ''}`)?.hostname.replace(/\.$/, '');
}
