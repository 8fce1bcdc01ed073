import { sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { ArtefactStore } from '../store/artefact-store.ts';

/** A file that was announced or written within this time may be about to be used. */
const YOUNG_MS = 60 * 60 * 1000;
const KEYS_A_STATEMENT = 500;
const STILL_REFERRED_TO = '23503';

export interface Sweep {
  db: NodePgDatabase;
  store: ArtefactStore;
  signal: AbortSignal;
  /** Default: an hour. */
  youngMs?: number;
}

/** Removes what nothing refers to any more, row and file together; tells how many files went. */
export async function sweepArtefacts({ db, store, signal, youngMs = YOUNG_MS }: Sweep): Promise<number> {
  await db.execute(sql`DELETE FROM pack_visuals.artefact_uses WHERE expires_at <= now()`);
  await adoptStrays(db, store, new Date(Date.now() - youngMs));
  let removed = 0;
  let after = '';
  for (;;) {
    const keys = await listUnused(db, after, youngMs);
    for (const key of keys) {
      signal.throwIfAborted();
      if (await removeUnused({ db, store, youngMs }, key)) removed += 1;
    }
    if (keys.length < KEYS_A_STATEMENT) return removed;
    after = keys.at(-1) ?? '';
  }
}

/** Files without a row, as a restored database leaves them, get one: then they go the way of all others. */
async function adoptStrays(db: NodePgDatabase, store: ArtefactStore, olderThan: Date): Promise<void> {
  let keys: string[] = [];
  const adopt = async () => {
    const list = sql.join(
      keys.map((key) => sql`(${key}, 0, to_timestamp(0))`),
      sql`, `,
    );
    if (keys.length > 0) {
      await db.execute(
        sql`INSERT INTO pack_visuals.artefacts (key, bytes, put_at) VALUES ${list} ON CONFLICT (key) DO NOTHING`,
      );
    }
    keys = [];
  };
  for await (const key of store.listOlderThan(olderThan)) {
    keys.push(key);
    if (keys.length === KEYS_A_STATEMENT) await adopt();
  }
  await adopt();
}

const isUnused = (youngMs: number) => sql`artefacts.put_at < now() - make_interval(secs => ${youngMs / 1000})
  AND NOT EXISTS (SELECT FROM pack_visuals.artefact_uses AS uses WHERE uses.key = artefacts.key)`;

async function listUnused(db: NodePgDatabase, after: string, youngMs: number): Promise<string[]> {
  const { rows } = await db.execute<{ key: string }>(sql`
    SELECT key FROM pack_visuals.artefacts AS artefacts
    WHERE key > ${after} AND ${isUnused(youngMs)} ORDER BY key LIMIT ${KEYS_A_STATEMENT}`);
  return rows.map(({ key }) => key);
}

/** The row's lock is held until the file is gone: whoever writes the same bytes meanwhile waits, and writes them again. */
async function removeUnused(
  { db, store, youngMs }: Required<Pick<Sweep, 'db' | 'store' | 'youngMs'>>,
  key: string,
): Promise<boolean> {
  try {
    return await db.transaction(async (tx) => {
      const { rowCount } = await tx.execute(sql`
        DELETE FROM pack_visuals.artefacts AS artefacts WHERE key = ${key} AND ${isUnused(youngMs)}`);
      if (rowCount !== 1) return false;
      await store.remove(key);
      return true;
    });
  } catch (error) {
    if (isReferredTo(error)) return false;
    throw error;
  }
}

/** It was used between the two looks: the foreign key kept it. */
function isReferredTo(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ((cause as { code?: unknown }).code === STILL_REFERRED_TO) return true;
  }
  return false;
}
