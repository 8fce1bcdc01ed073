import { findSentenceEnds } from './find-sentence-ends.ts';

export const chunkSize = 800;
export const chunkOverlap = 80;

const slack = 0.6;

/**
 * Cuts text into windows of at most 800 characters, each starting up to 80 characters before the end of the one
 * before. A window ends after a sentence where it can and never within a word; a longer word is a window by itself.
 * Windows are evened out, so that no scrap of a few words is left at the end.
 */
export function chunkText(text: string, size = chunkSize, overlap = chunkOverlap): string[] {
  const ends = findSentenceEnds(text);
  const length = text.trimEnd().length;
  const chunks: string[] = [];
  let start = skipSpace(text, 0);
  while (start < length) {
    const end = findEnd({ text, ends, start, length, size, overlap });
    chunks.push(text.slice(start, end).trimEnd());
    if (end >= length) break;
    start = findStart({ text, ends, start, end, overlap });
  }
  return chunks;
}

interface Window {
  text: string;
  ends: number[];
  start: number;
  length: number;
  size: number;
  overlap: number;
}

function findEnd({ text, ends, start, length, size, overlap }: Window): number {
  const rest = length - start;
  if (rest <= size) return length;
  const count = Math.ceil((rest - overlap) / (size - overlap));
  const target = Math.min(size, Math.ceil((rest - overlap) / count) + overlap);
  const sentence = closestTo(start + target, ends, start + Math.ceil(target * slack), start + size);
  return sentence ?? lastWordEnd(text, start, start + size) ?? nextSpace(text, start + size);
}

/** The sorted positions within the bounds are few: a window holds some sentences. */
function closestTo(target: number, positions: number[], from: number, to: number): number | null {
  let best: number | null = null;
  for (let i = firstAtLeast(positions, from); i < positions.length; i += 1) {
    const position = positions[i] ?? Infinity;
    if (position > to) break;
    if (best === null || Math.abs(position - target) <= Math.abs(best - target)) best = position;
  }
  return best;
}

/** The next window begins with a whole sentence of the overlap if there is one, else with a whole word. */
function findStart({
  text,
  ends,
  start,
  end,
  overlap,
}: Omit<Window, 'length' | 'size'> & { end: number }): number {
  const from = Math.max(start + 1, end - overlap);
  const sentence = ends[firstAtLeast(ends, from)] ?? end;
  if (sentence < end) return skipSpace(text, sentence);
  const isWordStart = /\s/.test(text[from - 1] ?? ' ');
  return skipSpace(text, isWordStart ? from : Math.min(end, nextSpace(text, from)));
}

function firstAtLeast(positions: number[], value: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((positions[middle] ?? Infinity) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function lastWordEnd(text: string, start: number, limit: number): number | null {
  for (let i = limit; i > start; i -= 1) if (/\s/.test(text[i] ?? ' ')) return i;
  return null;
}

function nextSpace(text: string, from: number): number {
  const space = /\s/g;
  space.lastIndex = from;
  return space.exec(text)?.index ?? text.length;
}

function skipSpace(text: string, from: number): number {
  const word = /\S/g;
  word.lastIndex = from;
  return word.exec(text)?.index ?? text.length;
}
