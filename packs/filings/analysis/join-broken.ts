import { readItemHeading } from './read-item-heading.ts';
import type { Block } from './types.ts';

/** Puts paragraphs back together that a page or line break cut in mid-sentence. */
export function joinBroken(blocks: Block[]): Block[] {
  const joined: Block[] = [];
  let run: Block[] = [];
  for (const block of blocks) {
    const before = run.at(-1);
    if (before && !continues(before, block)) {
      joined.push(joinRun(run));
      run = [];
    }
    run.push(block);
  }
  if (run.length > 0) joined.push(joinRun(run));
  return joined;
}

function continues(before: Block, after: Block): boolean {
  if (before.emphasized !== after.emphasized || !/^\p{Ll}+[\s,]/u.test(after.text)) return false;
  return /[\p{L}\p{N},’')-]$/u.test(before.text) && !readItemHeading(before);
}

function joinRun(run: Block[]): Block {
  const [first, ...rest] = run;
  if (!first) throw new Error('a run of blocks is never empty');
  return rest.length === 0 ? first : { ...first, text: run.map((block) => block.text).join(' ') };
}
