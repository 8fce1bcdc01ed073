import { LovageError } from '../../errors.ts';
import type { Lovage } from '../../lovage.ts';
import type { Visit } from './visit.ts';

/** The query parameter of a signed link: when it ends, whose it is, and the signature. */
export const LINK_PARAMETER = 'link';
const PURPOSE = 'link';

type Parts = Pick<Lovage, 'secret'>;

export interface Holder {
  tenant: string;
  /** When the link ends, in milliseconds since 1970. */
  endsAt: number;
}

/**
 * The path, with what opens it without a key until `endsAt`. Signed is the path below the mount, so that a link opens the
 * same thing at every mount of the pack, and nothing else. @throws not-configured without LOVAGE_SECRET.
 */
export function signLink(
  { secret }: Parts,
  { pack, path, holder }: { pack: string; path: string; holder: Holder },
): string {
  const { pathname, searchParams } = new URL(path, 'http://lovage');
  const ticket = `${holder.endsAt}.${Buffer.from(holder.tenant).toString('base64url')}`;
  const signature = secret.sign(PURPOSE, textOf(pack, pathname, searchParams, ticket));
  searchParams.set(LINK_PARAMETER, `${ticket}.${signature}`);
  return `${pathname}?${searchParams.toString()}`;
}

/** Whose link this is. @throws forbidden when it was made for something else, was changed, or is over. */
export function readLink(
  { secret }: Parts,
  pack: string,
  { path, search }: Pick<Visit, 'path' | 'search'>,
  now = Date.now(),
): Holder {
  const [endsAt = '', tenant = '', signature = ''] = (search.get(LINK_PARAMETER) ?? '').split('.');
  if (!secret.isSignedBy(PURPOSE, textOf(pack, path, search, `${endsAt}.${tenant}`), signature))
    throw new LovageError('forbidden', 'This link is none of ours, or was made for something else');
  if (Number(endsAt) <= now) throw new LovageError('forbidden', 'This link has expired');
  return { tenant: Buffer.from(tenant, 'base64url').toString(), endsAt: Number(endsAt) };
}

function textOf(pack: string, path: string, search: URLSearchParams, ticket: string): string {
  const others = [...search].filter(([name]) => name !== LINK_PARAMETER);
  return JSON.stringify([pack, path, others.toSorted(byText), ticket]);
}

const byText = (one: string[], other: string[]): number => (one.join('=') < other.join('=') ? -1 : 1);
