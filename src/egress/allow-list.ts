import ipaddr from 'ipaddr.js';
import { isWithin, type Range } from './address.ts';

/** Hosts and networks that may be called though they are not public, also by plain http and on any port. */
export interface AllowList {
  readonly hasRanges: boolean;
  allowsHost(host: string): boolean;
  allowsAddress(address: string): boolean;
}

const HOST = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

/** In a URL such a host is an IPv4 address. */
const LOOKS_LIKE_A_NUMBER = /(^|\.)(\d+|0x[0-9a-f]*)$/;

/** `entries` are names, addresses, or networks such as `10.1.0.0/16`. @throws Error on any other. */
export function createAllowList(entries: readonly string[]): AllowList {
  const hosts = new Set<string>();
  const ranges: Range[] = [];
  for (const entry of entries) {
    const text = entry.trim().toLowerCase();
    const range = readRange(text);
    if (range) ranges.push(range);
    else if (HOST.test(text) && !LOOKS_LIKE_A_NUMBER.test(text)) hosts.add(text);
    else throw new Error(`"${entry}" is no host, address or network`);
  }
  return {
    hasRanges: ranges.length > 0,
    allowsHost: (host) => hosts.has(host),
    allowsAddress: (address) =>
      ipaddr.isValid(address) && ranges.some((range) => isWithin(ipaddr.parse(address), range)),
  };
}

function readRange(text: string): Range | undefined {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
  if (text.includes(':') ? !ipaddr.isValid(text) : !ipaddr.IPv4.isValidFourPartDecimal(text))
    return undefined;
  const address = ipaddr.parse(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}
