import { sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { artefacts, artefactUses } from '../schema/index.ts';
import type { ArtefactStore, ContentType } from './artefact-store.ts';
import { keyOf } from './key-of.ts';

/**
 * Announces a file in the database, then writes it: the sweep removes none that was announced a short while ago, and one
 * that it is just removing keeps this waiting until it is gone. Unless `useArtefact` follows soon, it is swept.
 */
export async function keepArtefact(
  db: NodePgDatabase,
  store: ArtefactStore,
  { bytes, contentType }: { bytes: Uint8Array; contentType: ContentType },
): Promise<string> {
  const key = keyOf(bytes, contentType);
  await db
    .insert(artefacts)
    .values({ key, bytes: bytes.byteLength })
    .onConflictDoUpdate({ target: artefacts.key, set: { putAt: sql`now()` } });
  return store.put(bytes, contentType);
}

export interface ArtefactUse {
  key: string;
  tenant: string;
  /** `image/ID`, `visualization/ID`, `export/ID` … */
  owner: string;
  keepDays: number;
}

/** Says in the owner's own transaction that it refers to these files, and until when. */
export async function useArtefacts(tx: NodePgDatabase, uses: readonly ArtefactUse[]): Promise<void> {
  const rows = uses.map(({ keepDays, ...use }) => ({
    ...use,
    expiresAt: sql`now() + make_interval(days => ${keepDays})`,
  }));
  await tx.insert(artefactUses).values(rows).onConflictDoNothing();
}
