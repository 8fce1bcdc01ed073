import { sql } from 'drizzle-orm';
import {
  boolean,
  customType,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  real,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';
import type { Risk } from '../analysis/describe-risk.ts';
import type { Category } from '../analysis/types.ts';

export const packFilings = pgSchema('pack_filings');

const tsvector = customType<{ data: string }>({ dataType: () => 'tsvector' });

/** Rows from before there were tenants are those of the house's own. */
const tenant = () => text('tenant').notNull().default('default');

/** A 10-K that was read, with its Item 1A and the risks found in it. */
export const filing = packFilings.table(
  'filing',
  {
    tenant: tenant(),
    ticker: text('ticker').notNull(),
    year: integer('year').notNull(),
    /** SHA-256 of the HTML. */
    checksum: text('checksum').notNull(),
    item1a: text('item1a').notNull(),
    item1aFound: boolean('item1a_found').notNull(),
    risks: jsonb('risks').$type<Risk[]>(),
    /** The task that wrote it last. */
    taskId: uuid('task_id').notNull(),
    updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.tenant, t.ticker, t.year] })],
);

/** Passages of Item 1A; their ids are `TICKER_YEAR_INDEX`. */
export const chunk = packFilings.table(
  'chunk',
  {
    tenant: tenant(),
    id: text('id').notNull(),
    ticker: text('ticker').notNull(),
    year: integer('year').notNull(),
    index: integer('index').notNull(),
    factor: text('factor'),
    section: text('section'),
    text: text('text').notNull(),
    /** TF-IDF, sparse: the weight of each term at the same place. */
    terms: text('terms').array().notNull(),
    weights: real('weights').array().notNull(),
    category: text('category').$type<Category>().notNull(),
    categoryConfidence: real('category_confidence').notNull(),
    classificationMethod: text('classification_method').notNull(),
    /** Of length 1, by the model named beside it; null where none was configured. */
    embedding: real('embedding').array(),
    embeddingModel: text('embedding_model'),
    words: tsvector('words').generatedAlwaysAs(sql`to_tsvector('english', "text")`),
  },
  (t) => [
    primaryKey({ columns: [t.tenant, t.id] }),
    index('chunk_of_filing').on(t.tenant, t.ticker, t.year, t.index),
    index('chunk_words').using('gin', t.words),
  ],
);

/** In dollars; severity weighs amounts against it where it is known. */
export const marketCap = packFilings.table(
  'market_cap',
  {
    tenant: tenant(),
    ticker: text('ticker').notNull(),
    value: doublePrecision('value').notNull(),
    updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.tenant, t.ticker] })],
);
