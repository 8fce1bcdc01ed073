import type { Block } from './types.ts';

/** A run of text within a block, all of it emphasized or none. */
export interface Piece {
  text: string;
  emphasized: boolean;
}

const emphasizedShare = 0.95;

/** One block out of its runs of text; null where they hold nothing to read. */
export function gatherBlock(pieces: Piece[], page: number): Block | null {
  const text = tidy(pieces.map((piece) => piece.text).join(''));
  if (text === '') return null;
  const all = countLetters(pieces);
  const emphasized =
    all > 0 && countLetters(pieces.filter((piece) => piece.emphasized)) / all >= emphasizedShare;
  return { text, emphasized, lead: emphasized ? '' : readLead(pieces), page };
}

export function joinRow(cells: Block[]): Block {
  const text = cells.map((cell) => cell.text).join(' ');
  const emphasized = cells.every((cell) => cell.emphasized || !/\p{L}/u.test(cell.text));
  const lead = emphasized ? '' : (cells.find((cell) => /\p{L}/u.test(cell.text))?.lead ?? '');
  return { text, emphasized, lead, page: cells[0]?.page ?? 0 };
}

function readLead(pieces: Piece[]): string {
  const end = pieces.findIndex((piece) => !piece.emphasized && piece.text.trim() !== '');
  const lead = pieces.slice(0, Math.max(0, end));
  return tidy(lead.map((piece) => piece.text).join(''));
}

/** Postgres refuses NUL and lone surrogates; the zero-width characters and soft hyphens would split words. */
function tidy(text: string): string {
  return text
    .toWellFormed()
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cf}\p{Cc}]+/gu, '')
    .trim();
}

function countLetters(pieces: Piece[]): number {
  return pieces.reduce((sum, piece) => sum + (piece.text.match(/[\p{L}\p{N}]/gu)?.length ?? 0), 0);
}
