import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { CardsEnvironment } from '../environment.ts';
import type { NoteFields } from '../note/fields.ts';

/** A note's ids in the collection; of its cards the first one's. */
export interface NoteIds {
  noteId: number;
  cardId: number;
}

/** Where notes are kept. Every verb may be called again after a crash in its midst, and leaves what one call would have left. */
export interface Collection {
  /** Takes over what was changed elsewhere. */
  pull(): Promise<void>;
  /** Sees to it that the deck and the note type are there. */
  prepare(): Promise<void>;
  /** Adds the note, or finds it where it is there already. */
  add(note: { guid: string; fields: NoteFields; media: readonly string[] }): Promise<NoteIds>;
  /** Hands over what was changed here, media included. */
  push(): Promise<void>;
}

export interface CollectionOptions {
  db: NodePgDatabase;
  tenant: string;
  environment: CardsEnvironment;
  signal: AbortSignal;
  /** How long a sync may take from now. */
  syncTimeoutMs: () => number;
}
