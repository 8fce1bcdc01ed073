import type { Block } from './types.ts';

/** One risk factor: a heading, where the document shows one, and the paragraphs under it. */
export interface Factor {
  section: string | null;
  heading: string | null;
  text: string;
}

const maxHeadingLength = 600;
const minLeadLength = 15;
const maxHeadingShare = 0.5;

/** Cuts Item 1A at its headings. Of headings in a row the last is the factor's own, the first is the section's. */
export function splitFactors(blocks: Block[]): Factor[] {
  const factors: Factor[] = [];
  let section: string | null = null;
  let headings: string[] = [];
  let current: Factor | null = null;
  let paragraphs: string[] = [];
  const isHeading = headingsStandOut(blocks) ? looksLikeHeading : () => false;
  const finish = () => {
    if (paragraphs.length > 0)
      factors.push({ section, heading: null, ...current, text: paragraphs.join('\n\n') });
    paragraphs = [];
  };

  for (const block of blocks) {
    if (isHeading(block)) {
      if (headings.length === 0) finish();
      headings.push(block.text);
      continue;
    }
    const runIn = headings.length === 0 && isRunIn(block);
    if (runIn) finish();
    if (headings.length > 0 || runIn) {
      const heading: string = headings.at(-1) ?? block.lead;
      if (headings.length > 1) section = headings[0] ?? null;
      current = { section, heading, text: '' };
      if (headings.length > 0) paragraphs.push(heading);
      headings = [];
    }
    paragraphs.push(block.text);
  }
  finish();
  return factors;
}

/** Where most of the text is bold or in capitals, that tells nothing: without headings no text is taken for one. */
function headingsStandOut(blocks: Block[]): boolean {
  const measure = (some: Block[]) => some.reduce((sum, { text }) => sum + text.length, 0);
  return measure(blocks.filter(looksLikeHeading)) <= maxHeadingShare * measure(blocks);
}

function looksLikeHeading({ text, emphasized }: Block): boolean {
  if (text.length > maxHeadingLength || !/\p{L}{3}/u.test(text)) return false;
  return emphasized || (text.length <= 200 && /\p{Lu}/u.test(text) && text === text.toUpperCase());
}

function isRunIn({ text, lead }: Block): boolean {
  return (
    lead.length >= minLeadLength &&
    lead.length <= maxHeadingLength &&
    text.length > lead.length + 40 &&
    /[.?!:—–-]$/.test(lead)
  );
}
