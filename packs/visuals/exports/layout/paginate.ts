import type { Block } from './block.ts';

/** Spreads blocks over pages. What keeps with the next one moves with it, unless it alone would fill a page. */
export function paginate(blocks: readonly Block[], pageHeight: number): Block[][] {
  const pages: Block[][] = [[]];
  let used = 0;
  for (const group of groupKept(blocks)) {
    const height = group.reduce((sum, block) => sum + block.height, 0);
    if (used > 0 && height <= pageHeight && used + height > pageHeight) {
      pages.push([]);
      used = 0;
    }
    for (const block of group) {
      if (used > 0 && used + block.height > pageHeight) {
        pages.push([]);
        used = 0;
      }
      pages.at(-1)?.push(block);
      used += block.height;
    }
  }
  return pages;
}

function groupKept(blocks: readonly Block[]): Block[][] {
  const groups: Block[][] = [];
  let kept: Block[] = [];
  for (const block of blocks) {
    kept.push(block);
    if (block.keepsWithNext) continue;
    groups.push(kept);
    kept = [];
  }
  return kept.length > 0 ? [...groups, kept] : groups;
}
