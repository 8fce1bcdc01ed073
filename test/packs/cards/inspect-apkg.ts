import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { unzipSync } from 'fflate';
import { expect } from 'vitest';
import { z } from 'zod';

const whole = z.int();
const name = z.string().min(1);
const today = z.tuple([whole, whole]);

/** What Anki's own reader asks of the JSON of a collection of version 11: it refuses the file where one is missing or of another type. */
const noteType = z.looseObject({
  id: whole.positive(),
  name: z.literal('Custom Cloze'),
  type: z.literal(1),
  mod: whole,
  usn: whole,
  sortf: whole.min(0).max(9),
  did: whole.nullable(),
  tmpls: z
    .array(z.looseObject({ name, ord: whole, qfmt: z.string(), afmt: z.string(), did: whole.nullable() }))
    .length(1),
  flds: z
    .array(
      z.looseObject({
        name,
        ord: whole,
        sticky: z.boolean(),
        rtl: z.boolean(),
        font: name,
        size: whole.max(65_535),
      }),
    )
    .length(10),
  css: z.string(),
  latexPre: z.string(),
  latexPost: z.string(),
  req: z.array(z.tuple([whole, z.enum(['any', 'all', 'none']), z.array(whole)])),
});

const deck = z.looseObject({
  id: whole.positive(),
  name,
  mod: whole,
  usn: whole,
  dyn: z.literal(0),
  conf: whole,
  collapsed: z.boolean(),
  browserCollapsed: z.boolean(),
  desc: z.string(),
  lrnToday: today,
  revToday: today,
  newToday: today,
  timeToday: today,
});

const deckOptions = z.looseObject({
  id: whole,
  mod: whole,
  name,
  usn: whole,
  maxTaken: whole,
  autoplay: z.boolean(),
  timer: whole.max(255),
  replayq: z.boolean(),
  new: z.looseObject({
    delays: z.array(z.number()),
    initialFactor: whole,
    ints: z.array(whole).min(2),
    order: whole.max(1),
    perDay: whole,
  }),
  rev: z.looseObject({ ease4: z.number(), ivlFct: z.number(), maxIvl: whole, perDay: whole }),
  lapse: z.looseObject({
    delays: z.array(z.number()),
    leechAction: whole.max(1),
    leechFails: whole,
    minInt: whole,
    mult: z.number(),
  }),
});

const COLUMNS = {
  col: 'id crt mod scm ver dty usn ls conf models decks dconf tags',
  notes: 'id guid mid mod usn tags flds sfld csum flags data',
  cards: 'id nid did ord mod usn type queue due ivl factor reps lapses left odue odid flags data',
  revlog: 'id cid usn ease ivl lastIvl factor time type',
  graves: 'usn oid type',
};

interface NoteRow {
  id: number;
  guid: string;
  mid: number;
  mod: number;
  usn: number;
  tags: string;
  flds: string;
  sfld: string;
  csum: number;
  flags: number;
  data: string;
}

interface CardRow {
  id: number;
  nid: number;
  did: number;
  ord: number;
  type: number;
  queue: number;
  due: number;
  usn: number;
}

export interface InspectedApkg {
  collection: Uint8Array;
  notes: (NoteRow & { fields: string[] })[];
  cards: { id: number; nid: number; ord: number }[];
  /** Name → content. */
  media: Map<string, Buffer>;
}

/** Opens a package and asks of it all that Anki's importer does. */
export async function inspectApkg(bytes: Uint8Array): Promise<InspectedApkg> {
  const files = unzipSync(bytes);
  const collection = files['collection.anki2'] ?? new Uint8Array();
  const media = mediaOf(files);
  const folder = await mkdtemp(join(tmpdir(), 'lovage-inspect-'));
  try {
    await writeFile(join(folder, 'collection.anki2'), collection);
    const database = new DatabaseSync(join(folder, 'collection.anki2'), { readOnly: true });
    const { notes, cards } = inspectTables(database);
    database.close();
    return { collection, notes, cards, media };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Every number has its file, every file its number. */
function mediaOf(files: Record<string, Uint8Array>): Map<string, Buffer> {
  const names = z
    .record(z.string().regex(/^\d+$/), z.string().regex(/^[^/\\:]+$/))
    .parse(JSON.parse(Buffer.from(files['media'] ?? []).toString()));
  expect(Object.keys(files).sort()).toEqual(['collection.anki2', 'media', ...Object.keys(names)].sort());
  expect(new Set(Object.values(names)).size).toBe(Object.keys(names).length);
  return new Map(Object.entries(names).map(([number, title]) => [title, Buffer.from(files[number] ?? [])]));
}

function inspectTables(database: DatabaseSync): Pick<InspectedApkg, 'notes' | 'cards'> {
  const all = <Row>(text: string) => database.prepare(text).all() as Row[];
  for (const [table, columns] of Object.entries(COLUMNS)) {
    const found = all<{ name: string }>(`PRAGMA table_info(${table})`);
    expect(found.map((column) => column.name).join(' ')).toBe(columns);
  }
  const [col, ...more] = all<Record<string, string>>('SELECT * FROM col');
  expect(more).toEqual([]);
  expect(col).toMatchObject({ id: 1, ver: 11, dty: 0, usn: 0, ls: 0, tags: '{}' });
  const json = (column: string) => JSON.parse(col?.[column] ?? '') as unknown;
  const models = z.record(z.string(), noteType).parse(json('models'));
  const decks = z.record(z.string(), deck).parse(json('decks'));
  const options = z.record(z.string(), deckOptions).parse(json('dconf'));
  expect(json('conf')).toMatchObject({ curDeck: expect.any(Number), activeDecks: [expect.any(Number)] });
  for (const named of [models, decks, options])
    expect(Object.keys(named)).toEqual(Object.values(named).map(({ id }) => String(id)));
  expect(Object.values(decks).map((each) => each.name)).toEqual(['Default', 'English Vocabulary']);
  for (const { conf } of Object.values(decks)) expect(options[conf]).toBeDefined();

  const notes = all<NoteRow>('SELECT * FROM notes ORDER BY id').map((note) => inspectNote(note, models));
  const cards = all<CardRow>('SELECT * FROM cards ORDER BY id');
  for (const { nid, did, type, queue, usn } of cards) {
    expect(notes.map(({ id }) => id)).toContain(nid);
    expect(decks[did]?.name).toBe('English Vocabulary');
    expect({ type, queue, usn }).toEqual({ type: 0, queue: 0, usn: -1 });
  }
  for (const { id, fields } of notes) {
    const numbers = new Set([...(fields[0] ?? '').matchAll(/\{\{c(\d+)::/g)].map(([, n]) => Number(n) - 1));
    const ordinals = cards.filter(({ nid }) => nid === id).map(({ ord }) => ord);
    expect(ordinals).toEqual([...numbers].sort((a, b) => a - b));
  }
  expect(new Set(cards.map(({ due }) => due)).size).toBe(notes.length);
  expect(all('SELECT * FROM revlog')).toEqual([]);
  expect(all('SELECT * FROM graves')).toEqual([]);
  return { notes, cards: cards.map(({ id, nid, ord }) => ({ id, nid, ord })) };
}

function inspectNote(note: NoteRow, models: Record<string, z.output<typeof noteType>>) {
  const fields = note.flds.split('\u001f');
  expect(models[note.mid]?.flds.map(({ ord }) => ord)).toEqual(fields.map((_, index) => index));
  expect(note).toMatchObject({ usn: -1, flags: 0, data: '', mod: Math.floor(note.id / 1_000) });
  expect(note.tags).toMatch(/^ .+ $/);
  expect(note.csum).toBeGreaterThan(0);
  expect(note.csum).toBeLessThan(2 ** 32);
  return { ...note, fields };
}
