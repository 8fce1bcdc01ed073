import { lookup, Resolver } from 'node:dns/promises';

/** All addresses of a name. Rejects where there is none. */
export type ResolveHost = (host: string) => Promise<readonly string[]>;

/** As this machine knows it. Takes one of few threads, which a name server that does not answer would keep. */
export const resolveBySystem: ResolveHost = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address);

export const resolveByDns: ResolveHost = (host) =>
  askServers(new Resolver({ timeout: 3_000, tries: 2 }), host);

/** Asks for addresses of both kinds; either will do. */
export async function askServers(resolver: Resolver, host: string): Promise<readonly string[]> {
  const [v4, v6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const found = [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length > 0) return found;
  throw new Error(`no address is known for ${host}`, {
    cause: v4.status === 'rejected' ? v4.reason : undefined,
  });
}
