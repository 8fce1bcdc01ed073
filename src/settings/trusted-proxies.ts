import { BlockList, isIP } from 'node:net';

/** How many proxies stand before this server, or which addresses they have. */
export type TrustedProxies = number | BlockList;

/** Reads `2`, or `10.0.0.0/8, ::1`. Undefined where it is neither. */
export function parseTrustedProxies(text: string): TrustedProxies | undefined {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  const list = new BlockList();
  for (const part of text.split(',')) {
    const [address = '', bits] = part.trim().split('/');
    const family = familyOf(address);
    const longest = family === 'ipv4' ? 32 : 128;
    if (family === undefined || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= longest)))
      return undefined;
    list.addSubnet(address, bits === undefined ? longest : Number(bits), family);
  }
  return list;
}

/**
 * The address that a request came from: the socket's, or what the trusted proxies before it say. Each of them adds the
 * address that it sees to the right end of X-Forwarded-For; what stands further left anybody can have made up.
 */
export function clientAddress(
  socketAddress: string | undefined,
  forwardedFor: string | undefined,
  trusted: TrustedProxies | undefined,
): string | undefined {
  const socket = plain(socketAddress ?? '');
  if (socket === undefined || trusted === undefined) return socket;
  const hops = (forwardedFor ?? '').split(',').map(plain);
  let address = socket;
  for (let passed = 0; isTrusted(trusted, passed, address); passed += 1) {
    const next = hops.pop();
    // Nothing more, or nothing that a proxy would write.
    if (next === undefined) return address;
    address = next;
  }
  return address;
}

/** Whether the word of whoever is connected is taken. */
export function isTrustedPeer(
  socketAddress: string | undefined,
  trusted: TrustedProxies | undefined,
): boolean {
  const address = plain(socketAddress ?? '');
  return address !== undefined && trusted !== undefined && isTrusted(trusted, 0, address);
}

const isTrusted = (trusted: TrustedProxies, passed: number, address: string): boolean =>
  typeof trusted === 'number' ? passed < trusted : trusted.check(address, familyOf(address) ?? 'ipv4');

/** `[::1]:80`, `10.0.0.1:80` and `::ffff:10.0.0.1` as the bare address. Undefined where it is none. */
function plain(text: string): string | undefined {
  const address = text
    .trim()
    .replace(/^\[(.*)\](?::\d+)?$/, '$1')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
    .replace(/^::ffff:(?=\d+\.)/i, '');
  return familyOf(address) === undefined ? undefined : address;
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address);
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6';
}
