import { Readable } from 'node:stream';
import { and, asc, eq, gt, isNotNull } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { DialectReply } from 'lovage';
import { loadMedia } from '../media.ts';
import { DECK_NAME } from '../note/note-type.ts';
import { ankiMedia, ankiNotes } from '../schema.ts';
import { writeApkg, type PackageMedia } from './write-apkg.ts';
import { writeCollection, type DeckNote } from './write-collection.ts';

const PAGE = 500;

/** The caller's deck as a file for Anki; null where there is no such deck, or nothing in it yet. */
export async function serveDeck(
  db: NodePgDatabase,
  { tenant, name }: { tenant: string; name: string },
): Promise<DialectReply | null> {
  if (name !== DECK_NAME) return null;
  const hashes = new Set<string>();
  let count = 0;
  const notes = async function* (): AsyncGenerator<DeckNote> {
    for await (const { id, cardId, guid, fields, media } of readNotes(db, tenant)) {
      if (id === null || cardId === null) continue;
      count += 1;
      for (const hash of media) hashes.add(hash);
      yield { id, cardId, guid, fields };
    }
  };
  const collection = await writeCollection(notes());
  if (count === 0) return null;
  const media = await listMedia(db, tenant, hashes);
  return {
    status: 200,
    body: Readable.from(writeApkg(collection, media), { objectMode: false }),
    headers: {
      'Content-Type': 'application/octet-stream',
      'Content-Disposition': `attachment; filename="${name}.apkg"`,
    },
  };
}

/** A page at a time, in the order in which they were added. */
async function* readNotes(db: NodePgDatabase, tenant: string): AsyncGenerator<typeof ankiNotes.$inferSelect> {
  for (let after = 0; ;) {
    const page = await db
      .select()
      .from(ankiNotes)
      .where(and(eq(ankiNotes.tenant, tenant), isNotNull(ankiNotes.id), gt(ankiNotes.id, after)))
      .orderBy(asc(ankiNotes.id))
      .limit(PAGE);
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)?.id ?? after;
  }
}

async function listMedia(
  db: NodePgDatabase,
  tenant: string,
  hashes: ReadonlySet<string>,
): Promise<PackageMedia[]> {
  const rows = await db
    .select({ hash: ankiMedia.hash, name: ankiMedia.name })
    .from(ankiMedia)
    .where(eq(ankiMedia.tenant, tenant))
    .orderBy(asc(ankiMedia.name));
  return rows
    .filter(({ hash }) => hashes.has(hash))
    .map(({ hash, name }) => ({
      name,
      read: async () => {
        const [found] = await loadMedia(db, tenant, [hash]);
        if (!found) throw new Error(`recording ${hash} has gone while its deck was written`);
        return found.bytes;
      },
    }));
}
