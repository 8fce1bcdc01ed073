import { requireReadable } from './decode-filing.ts';
import { dropFurniture } from './drop-furniture.ts';
import { joinBroken } from './join-broken.ts';
import { readBlocks } from './read-blocks.ts';
import { readItemHeading, type ItemHeading } from './read-item-heading.ts';
import type { Block } from './types.ts';

export interface Item1A {
  /** The blocks' text, with an empty line between them. */
  text: string;
  blocks: Block[];
  /** False where the document has no Item 1A: then this is all its text. */
  found: boolean;
}

interface Span {
  start: number;
  end: number;
  length: number;
}

/**
 * The risk factors of a 10-K: the longest span from a heading "Item 1A" to the heading of another item, so that
 * the table of contents never wins. Throws an IntegrationError where there is nothing to read.
 */
export function extractItem1A(html: string): Item1A {
  const all = joinBroken(dropFurniture(readBlocks(html)));
  requireReadable(all.map((block) => block.text).join(' '));
  const headings = all.map(readItemHeading);
  const span = chooseSpan(all, headings);
  const blocks = span ? joinBroken(readSpan(all, headings, span)) : all;
  return { text: blocks.map((block) => block.text).join('\n\n'), blocks, found: span !== null };
}

/** A span without an end counts only where no closed one holds any text: the document may have been cut short. */
function chooseSpan(blocks: Block[], headings: (ItemHeading | null)[]): Span | null {
  const isStart = (index: number) => headings[index]?.item === '1A';
  const isBareTitle = (index: number) => /^risk factors[.:]?$/i.test(blocks[index]?.text ?? '');
  const { closed, open } = findSpans(blocks, headings, isStart);
  return (
    longest(closed) ??
    longest(open) ??
    longest(findSpans(blocks, headings, (index) => isStart(index) || isBareTitle(index)).closed)
  );
}

function findSpans(blocks: Block[], headings: (ItemHeading | null)[], isStart: (index: number) => boolean) {
  const closed: Span[] = [];
  let current: Span | null = null;
  for (const [index, block] of blocks.entries()) {
    const heading = headings[index];
    if (isStart(index)) {
      current ??= { start: index, end: blocks.length, length: 0 };
      current.length += heading?.tail.length ?? 0;
    } else if (heading && current) {
      closed.push({ ...current, end: index });
      current = null;
    } else if (current && !isTitleLine(block)) {
      current.length += block.text.length;
    }
  }
  return { closed, open: current ? [current] : [] };
}

function longest(spans: Span[]): Span | null {
  const [first] = spans.filter((span) => span.length > 0).sort((a, b) => b.length - a.length);
  return first ?? null;
}

/** The text of a span without the headings and running heads that name the item itself. */
function readSpan(blocks: Block[], headings: (ItemHeading | null)[], span: Span): Block[] {
  return blocks.slice(span.start, span.end).flatMap((block, offset) => {
    const heading = headings[span.start + offset];
    if (heading) return heading.tail === '' ? [] : [{ ...block, text: heading.tail, lead: '' }];
    return isTitleLine(block) ? [] : [block];
  });
}

function isTitleLine(block: Block): boolean {
  return (
    block.text.length < 40 &&
    /^(?:risk factors\W*(?:\(?continued\)?)?\W*\d*|part\s?i{1,3}v?\W*)$/i.test(block.text)
  );
}
