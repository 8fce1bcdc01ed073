import { ink } from '../../drawing/palette.ts';
import { page, type Block, type Layout } from './block.ts';
import { drawPicture } from './draw-picture.ts';

export interface Captioned {
  /** The key of a stored image. */
  key: string;
  caption: string;
}

const A_ROW = 4;
const SPACE = 9;
const WIDTH = (page.contentWidth - (A_ROW - 1) * SPACE) / A_ROW;
const HEIGHT = 120;
const CAPTION = { size: 8.5, color: ink.soft };

/** Small pictures, four beside each other, with what each of them is below it. */
export function pictureRows({ type, pictures }: Layout, shown: readonly Captioned[]): Block[] {
  const rows = Array.from({ length: Math.ceil(shown.length / A_ROW) }, (_, index) =>
    shown.slice(index * A_ROW, (index + 1) * A_ROW),
  );
  return rows.map((row) => ({
    height: 6 + HEIGHT + 36,
    draw: (canvas, top) => {
      row.forEach(({ key, caption }, index) => {
        const box = { x: page.margin + index * (WIDTH + SPACE), y: top + 6, width: WIDTH, height: HEIGHT };
        drawPicture(canvas, pictures.get(key), box);
        const lines = type.wrap(caption, CAPTION, { width: WIDTH, maxLines: 2 });
        lines.forEach((line, at) =>
          canvas.text(line, {
            ...CAPTION,
            x: box.x + WIDTH / 2,
            y: box.y + HEIGHT + 12 + at * 11,
            align: 'middle',
          }),
        );
      });
    },
  }));
}
