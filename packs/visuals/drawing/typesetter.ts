import { cleanText } from './clean-text.ts';
import type { TextStyle } from './canvas.ts';
import { fonts } from './fonts.ts';

export interface Typesetter {
  widthOf: (line: string, style: TextStyle) => number;
  /** Lines no wider than `width`; what is beyond `maxLines` becomes an ellipsis. Words that are wider alone are broken. */
  wrap: (text: string, style: TextStyle, room: { width: number; maxLines?: number }) => string[];
}

const ELLIPSIS = '…';
/** Beyond this nobody reads on, and measuring takes seconds. */
const MAX_CHARACTERS = 20_000;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Measures with the very fonts that are drawn. */
export async function openTypesetter(): Promise<Typesetter> {
  const { default: PDFDocument } = await import('pdfkit');
  const { regular, bold } = fonts();
  const document = new PDFDocument({ autoFirstPage: false, font: regular });
  const widthOf: Typesetter['widthOf'] = (line, style) =>
    document
      .font(style.bold ? bold : regular)
      .fontSize(style.size)
      .widthOfString(line);
  return {
    widthOf,
    wrap: (text, style, { width, maxLines = Infinity }) => {
      const fits = (line: string) => widthOf(line, style) <= width;
      return cut(breakLines(cleanText(text.slice(0, MAX_CHARACTERS)), fits), maxLines, fits);
    },
  };
}

type Fits = (line: string) => boolean;

function breakLines(text: string, fits: Fits): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (fits(longer)) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    const pieces = fits(word) ? [word] : breakWord(word, fits);
    line = pieces.pop() ?? '';
    lines.push(...pieces);
  }
  return line === '' ? lines : [...lines, line];
}

function breakWord(word: string, fits: Fits): string[] {
  const pieces: string[] = [];
  let piece = '';
  for (const { segment } of graphemes.segment(word)) {
    if (piece !== '' && !fits(piece + segment)) {
      pieces.push(piece);
      piece = '';
    }
    piece += segment;
  }
  return [...pieces, piece];
}

function cut(lines: string[], maxLines: number, fits: Fits): string[] {
  if (lines.length <= maxLines) return lines;
  const kept = lines.slice(0, maxLines);
  const letters = Array.from(graphemes.segment(kept.pop() ?? ''), ({ segment }) => segment);
  while (letters.length > 0 && !fits(letters.join('') + ELLIPSIS)) letters.pop();
  return [...kept, letters.join('').trimEnd() + ELLIPSIS];
}
