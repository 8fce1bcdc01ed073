import type { TextStyle } from '../../drawing/canvas.ts';
import { ground, ink, palette } from '../../drawing/palette.ts';
import type { Typesetter } from '../../drawing/typesetter.ts';
import { gap, page, type Block } from './block.ts';

const LEADING = 1.4;

/** A block for each line, so that long text flows on to the next page. */
export function paragraph(
  type: Typesetter,
  text: string,
  { maxLines = 200, indent = 0, ...style }: TextStyle & { maxLines?: number; indent?: number },
): Block[] {
  const lines = type.wrap(text, style, { width: page.contentWidth - indent, maxLines });
  return lines.map((line) => ({
    height: style.size * LEADING,
    draw: (canvas, top) => canvas.text(line, { ...style, x: page.margin + indent, y: top + style.size }),
  }));
}

/** The title of a section, over a line in the accent's colour. */
export function heading(title: string): Block[] {
  return [
    gap(18),
    {
      height: 30,
      keepsWithNext: true,
      draw: (canvas, top) => {
        canvas.text(title, { x: page.margin, y: top + 15, size: 15, bold: true });
        canvas.rect({ x: page.margin, y: top + 22, width: page.contentWidth, height: 1, fill: ground.line });
        canvas.rect({ x: page.margin, y: top + 21.5, width: 48, height: 2, fill: palette.blue });
      },
    },
  ];
}

/** The name of one entry; its lines stay together with what follows. */
export const subheading = (type: Typesetter, title: string): Block[] =>
  keepTogether([gap(8), ...paragraph(type, title, { size: 11.5, bold: true, maxLines: 3 })]);

export const remark = (type: Typesetter, text: string): Block[] =>
  paragraph(type, text, { size: 8.5, color: ink.soft });

/** A name in the left column, as many lines as its value needs in the right one. */
export function field(type: Typesetter, label: string, value: string): Block[] {
  const indent = 130;
  const lines = paragraph(type, value, { size: 10, indent });
  const [first = gap(0), ...rest] = lines;
  const labelled: Block = {
    height: first.height,
    draw: (canvas, top) => {
      canvas.text(label, { x: page.margin, y: top + 10, size: 10, color: ink.soft });
      first.draw(canvas, top);
    },
  };
  return [labelled, ...rest, gap(3)];
}

export const keepTogether = (blocks: Block[]): Block[] =>
  blocks.map((block) => ({ ...block, keepsWithNext: true }));
