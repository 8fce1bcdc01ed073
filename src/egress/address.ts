import ipaddr from 'ipaddr.js';

/** Public by their numbers, and yet not the internet: metadata of a cloud, documentation. */
const NOT_PUBLIC = [ipaddr.IPv4.parseCIDR('168.63.129.16/32'), ipaddr.IPv6.parseCIDR('3fff::/20')] as const;
/** All that the internet routes of IPv6; translations and embeddings of IPv4 lie outside, or are a range of their own. */
const GLOBAL_V6 = ipaddr.IPv6.parseCIDR('2000::/3');

/** An address of the open internet: none of this machine, its networks or a cloud's metadata, in whatever disguise. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  if (parsed instanceof ipaddr.IPv6 && !parsed.match(GLOBAL_V6)) return false;
  return !NOT_PUBLIC.some((range) => isWithin(parsed, range));
}

export type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

export const isWithin = (address: ipaddr.IPv4 | ipaddr.IPv6, [network, bits]: Readonly<Range>): boolean =>
  address.kind() === network.kind() && address.match(network, bits);
