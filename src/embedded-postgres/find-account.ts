import { readFile, stat } from 'node:fs/promises';

/** The user that Postgres runs as when we are root, which it refuses to run as. */
export interface Account {
  uid: number;
  gid: number;
}

/** Undefined: Postgres runs as whoever we are. */
export async function findAccount(cluster: string | undefined): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = cluster === undefined ? undefined : await stat(cluster);
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const users = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return findUser(users, 'postgres') ?? findUser(users, 'nobody') ?? { uid: 65_534, gid: 65_534 };
}

function findUser(users: string, name: string): Account | undefined {
  const line = users.split('\n').find((line) => line.startsWith(`${name}:`));
  const [uid, gid] = line?.split(':').slice(2, 4).map(Number) ?? [];
  return uid && gid ? { uid, gid } : undefined;
}
