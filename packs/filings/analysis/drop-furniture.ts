import { readItemHeading } from './read-item-heading.ts';
import type { Block } from './types.ts';

const edge = 3;
const minRepeats = 3;
const maxFurnitureLength = 120;

/** Leaves out what belongs to the pages and not to the text: page numbers, running heads and feet. */
export function dropFurniture(blocks: Block[]): Block[] {
  const running = findRunningLines(blocks);
  return blocks.filter(
    (block) => !isPageNumber(block.text) && !isBackLink(block.text) && !running.has(keyOf(block)),
  );
}

/** Lines that stand at the edge of several pages, whatever number they carry there. */
function findRunningLines(blocks: Block[]): Set<string> {
  const pagesByLine = new Map<string, Set<number>>();
  for (const [index, block] of blocks.entries()) {
    const isAtEdge = blocks[index - edge]?.page !== block.page || blocks[index + edge]?.page !== block.page;
    if (!isAtEdge || block.text.length > maxFurnitureLength || readItemHeading(block)) continue;
    const key = keyOf(block);
    pagesByLine.set(key, (pagesByLine.get(key) ?? new Set()).add(block.page));
  }
  return new Set([...pagesByLine].filter(([, pages]) => pages.size >= minRepeats).map(([key]) => key));
}

function keyOf(block: Block): string {
  return block.text.length > maxFurnitureLength ? '' : block.text.toLowerCase().replace(/\d+/g, '#');
}

function isPageNumber(text: string): boolean {
  return (
    text.length < 24 &&
    /^[-–—\s|]*(?:page\s*)?(?:\d{1,4}|[ivxlc]{1,7}|[a-f]-\d{1,3})(?:\s*of\s*\d+)?[-–—\s|.]*$/i.test(text)
  );
}

function isBackLink(text: string): boolean {
  return (
    text.length < 60 &&
    /^(?:back to |return to )?(?:the )?(?:table of )?contents(?: \d+)?$|^\d+ table of contents$/i.test(text)
  );
}
