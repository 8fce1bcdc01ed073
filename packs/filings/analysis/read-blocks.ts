import { gatherBlock, joinRow, type Piece } from './gather-block.ts';
import { OpenElements, type Element } from './open-elements.ts';
import { readMarkup } from './read-markup.ts';
import type { Block } from './types.ts';

const inline = new Set(
  'a abbr acronym b bdo big cite code em font i ins kbd label mark nobr q s samp small span strike strong sub sup tt u var wbr ix:nonnumeric ix:nonfraction ix:continuation ix:footnote ix:fraction ix:exclude img'.split(
    ' ',
  ),
);

interface Row {
  firstBlock: number;
  /** Where each cell's blocks begin. */
  cells: number[];
}

/** The visible text of a document, one block per paragraph, heading or table row. */
export function readBlocks(html: string): Block[] {
  const blocks: Block[] = [];
  const elements = new OpenElements();
  const rows: Row[] = [];
  const plain = !/<(?:p|div|br|table|li|h[1-6])[\s/>]/i.test(html);
  let pieces: Piece[] = [];
  let page = 0;

  const breakBlock = () => {
    const block = gatherBlock(pieces, page);
    if (block) blocks.push(block);
    pieces = [];
  };
  const closed = (element: Element) => {
    if (!inline.has(element.tag)) breakBlock();
    if (element.tag === 'tr') endRow(rows.pop(), blocks);
  };

  readMarkup(html, {
    open(tag, style) {
      if (!inline.has(tag)) breakBlock();
      elements.endSiblings(tag, closed);
      if (isPageBreak(tag, style)) page += 1;
      const row = rows.at(-1);
      if (tag === 'tr') rows.push({ firstBlock: blocks.length, cells: [] });
      if ((tag === 'td' || tag === 'th') && row) row.cells.push(blocks.length);
      elements.push(tag, style);
    },
    close: (tag) => elements.pop(tag, closed),
    text(text) {
      const { hidden, preformatted, bold, italic, underlined } = elements.current;
      if (hidden) return;
      const paragraphs = preformatted || plain ? text.split(/\n[ \t\r]*\n/) : [text];
      for (const [index, paragraph] of paragraphs.entries()) {
        if (index > 0) breakBlock();
        pieces.push({ text: paragraph, emphasized: bold || italic || underlined });
      }
    },
  });
  breakBlock();
  return blocks;
}

/** A row whose cells hold one paragraph each reads as one line: "Item 1A." in one cell, its title in the next. */
function endRow(row: Row | undefined, blocks: Block[]): void {
  if (!row || blocks.length - row.firstBlock < 2) return;
  const bounds = [...row.cells, blocks.length];
  const isOneLine = bounds.every((start, cell) => start - (bounds[cell - 1] ?? start) <= 1);
  if (isOneLine) blocks.push(joinRow(blocks.splice(row.firstBlock)));
}

function isPageBreak(tag: string, style: string): boolean {
  return (
    tag === 'hr' || tag === 'page' || /(?:page-)?break-(?:before|after)\s*:\s*(?:always|page)/.test(style)
  );
}
