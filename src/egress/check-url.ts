import { isIP } from 'node:net';
import type { AllowList } from './allow-list.ts';
import { isPublicAddress } from './address.ts';

const MAX_URL = 2_000;
/** Below 1024 live services that are not meant to be spoken HTTP to. */
const FIRST_FREE_PORT = 1_024;
const LOCAL_NAME = /(^|\.)(localhost|local|internal|home\.arpa)$/;

/** The host of a URL as it is looked up or, an address, connected to. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');

const mayCall = (address: string, host: string, allow: AllowList): boolean =>
  isPublicAddress(address) || allow.allowsAddress(address) || allow.allowsHost(host);

/**
 * What is wrong with a URL that somebody wants called, as far as that shows before its name is looked up; undefined for
 * nothing. The URL parser has turned every spelling of an IPv4 address, `0x7f.1` say, into its usual one.
 */
export function faultOfUrl(text: string, allow: AllowList): string | undefined {
  if (text.length > MAX_URL) return `must be at most ${MAX_URL} characters`;
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) return 'must be an https URL';
  if (url.username !== '' || url.password !== '') return 'must hold no credentials';
  const host = hostOf(url);
  const isListed = allow.allowsHost(host) || allow.allowsAddress(host);
  if (isListed) return undefined;
  const isName = isIP(host) === 0;
  // Where a name leads, and whether to a network that is allowed, shows when it is called.
  const mayBeAllowed = isName && allow.hasRanges;
  const isPublic = isName ? mayBeAllowed || !LOCAL_NAME.test(host) : isPublicAddress(host);
  if (!isPublic) return 'must lead to a public address';
  if (url.protocol === 'http:' && !mayBeAllowed) return 'must be an https URL';
  return isFreePort(url) || mayBeAllowed ? undefined : 'must name port 443, or one above 1023';
}

/** The same for a host whose addresses are known: what only an allowed network may do. */
export function faultOfCall(url: URL, addresses: readonly string[], allow: AllowList): string | undefined {
  const host = hostOf(url);
  if (!addresses.every((address) => mayCall(address, host, allow)))
    return 'its host has an address that is not public';
  const isListed = allow.allowsHost(host) || addresses.every((address) => allow.allowsAddress(address));
  if (isListed) return undefined;
  if (url.protocol !== 'https:') return 'it is not https';
  return isFreePort(url) ? undefined : 'its port is reserved';
}

const isFreePort = ({ port }: URL): boolean =>
  port === '' || port === '443' || Number(port) >= FIRST_FREE_PORT;
