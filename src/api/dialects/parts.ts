import type { Dialect } from '../../dialect.ts';
import type { Pack } from '../../pack.ts';
import type { Vault } from '../../task.ts';
import { vaultFor } from '../../vault.ts';
import type { ApiParts } from '../context.ts';
import type { Router } from '../trpc/router.ts';

export type DialectPack = Pack & { dialect: Dialect };

/** Where a dialect answers, and to whom. */
export interface Place {
  /** What stands before every path: its prefix, or nothing at a root of its own. */
  base: string;
  /** It needs no key: who shows none acts for the tenant `default`. */
  isOpen: boolean;
}

/** What the answers of all routes of one mount share. */
export interface DialectParts {
  parts: ApiParts;
  router: Router;
  pack: DialectPack;
  place: Place;
  vault: Vault;
  /** Only tasks of these definitions exist here. */
  names: ReadonlySet<string>;
}

export const dialectParts = (
  parts: ApiParts,
  router: Router,
  pack: DialectPack,
  place: Place,
): DialectParts => ({
  parts,
  router,
  pack,
  place,
  vault: vaultFor(parts.lovage.secret, pack.name),
  names: new Set(pack.tasks.map(({ name }) => name)),
});
