import { ground, ink } from '../../drawing/palette.ts';
import type { Typesetter } from '../../drawing/typesetter.ts';
import { page, type Block } from './block.ts';

export interface Column {
  title: string;
  /** Its part of the width; the parts add up to 1. */
  part: number;
  align?: 'start' | 'end';
}

const SIZE = 9.5;
const LINE = 13;
const PADDING = 6;
/** A table of no more rows than this is not broken over pages. */
const KEPT_ROWS = 8;

/** A block a row. Cells wrap, up to four lines each. */
export function table(type: Typesetter, columns: readonly Column[], rows: readonly string[][]): Block[] {
  const head = row(
    type,
    columns,
    columns.map(({ title }) => title),
    { bold: true, fill: ground.panel, color: ink.soft },
  );
  const body = rows.map((cells) => row(type, columns, cells, {}));
  const isKept = (index: number) => rows.length <= KEPT_ROWS && index < rows.length - 1;
  return keepFrom([head, ...body], (index) => index === 0 || isKept(index - 1));
}

const keepFrom = (blocks: Block[], isKept: (index: number) => boolean): Block[] =>
  blocks.map((block, index) => ({ ...block, keepsWithNext: isKept(index) }));

function row(
  type: Typesetter,
  columns: readonly Column[],
  cells: readonly string[],
  { bold = false, fill, color = ink.strong }: { bold?: boolean; fill?: string; color?: string },
): Block {
  const style = { size: SIZE, bold, color };
  let left: number = page.margin;
  const placed = columns.map(({ part, align = 'start' }, index) => {
    const width = part * page.contentWidth;
    const lines = type.wrap(cells[index] ?? '', style, { width: width - 2 * PADDING, maxLines: 4 });
    const x = align === 'end' ? left + width - PADDING : left + PADDING;
    left += width;
    return { lines, x, align };
  });
  const height = Math.max(1, ...placed.map(({ lines }) => lines.length)) * LINE + 2 * PADDING;
  return {
    height,
    draw: (canvas, top) => {
      const box = { x: page.margin, width: page.contentWidth };
      if (fill) canvas.rect({ ...box, y: top, height, fill });
      canvas.rect({ ...box, y: top + height - 1, height: 0.75, fill: ground.line });
      for (const { lines, x, align } of placed) {
        lines.forEach((line, index) =>
          canvas.text(line, { ...style, align, x, y: top + PADDING + SIZE + index * LINE }),
        );
      }
    },
  };
}
