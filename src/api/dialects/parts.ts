import type { Config } from '../../config.ts';
import type { Dialect } from '../../dialect.ts';
import type { Pack } from '../../pack.ts';
import type { Vault } from '../../task.ts';
import { vaultFor } from '../../vault.ts';
import type { ApiParts } from '../context.ts';
import type { Router } from '../trpc/router.ts';

export type DialectPack = Pack & { dialect: Dialect };

export const dialectsOf = ({ packs }: Pick<Config, 'packs'>): DialectPack[] =>
  packs.filter((pack): pack is DialectPack => pack.dialect !== undefined);

/** What the answers of all routes of one mount share. */
export interface DialectParts {
  parts: ApiParts;
  router: Router;
  pack: DialectPack;
  /** What stands before every path: the prefix, or nothing at a root of its own. */
  base: string;
  /** It needs no key: who shows none acts for the tenant `default`. */
  isOpen: boolean;
  vault: Vault;
  /** Only tasks of these definitions exist here. */
  names: ReadonlySet<string>;
}

export const dialectParts = (
  parts: ApiParts,
  router: Router,
  pack: DialectPack,
  base: string,
): DialectParts => ({
  parts,
  router,
  pack,
  base,
  isOpen: isOpenIn(parts, pack),
  vault: vaultFor(parts.lovage.secret, pack.name),
  names: new Set(pack.tasks.map(({ name }) => name)),
});

export const isOpenIn = ({ mounts }: Pick<ApiParts, 'mounts'>, { name }: DialectPack): boolean =>
  mounts?.get(name)?.open === true;
