export const categories = [
  'operational',
  'systematic',
  'geopolitical',
  'regulatory',
  'competitive',
  'technological',
  'human_capital',
  'financial',
  'reputational',
  'boilerplate',
  'other',
] as const;

export type Category = (typeof categories)[number];

export interface Label {
  category: Category;
  /** 0..1 */
  category_confidence: number;
  classification_method: 'keyword' | 'llm' | 'reused';
}

/** A number from 0 to 1 and how it came about, for a human reader. */
export interface Score {
  value: number;
  explanation: string;
}

/** One paragraph, heading or table row of the document, in reading order. */
export interface Block {
  text: string;
  /** Wholly bold, italic or underlined, or marked up as a heading. */
  emphasized: boolean;
  /** The emphasized words a paragraph opens with ("We depend on few suppliers. Most of …"), else empty. */
  lead: string;
  /** Counted by page breaks, from 0. */
  page: number;
}

export interface Chunk {
  /** `TICKER_YEAR_INDEX` */
  id: string;
  index: number;
  text: string;
  /** The heading of the risk factor it belongs to, where the document shows one. */
  factor: string | null;
  /** The heading above that, such as "Risks related to our business". */
  section: string | null;
}

/** A chunk of an earlier filing of the same company. */
export interface PriorChunk {
  id: string;
  year: number;
  text: string;
  category: Category;
}
