import type { Canvas, Point, TextStyle } from './canvas.ts';
import type { Typesetter } from './typesetter.ts';

/** Writes a line on a patch of the ground, so that no line of a grid runs through it. */
export function writeOver(
  { canvas, type }: { canvas: Canvas; type: Typesetter },
  line: string,
  { fill, ...place }: TextStyle & Point & { fill: string },
): void {
  const { x, y, size } = place;
  canvas.rect({ x: x - 4, y: y - size, width: type.widthOf(line, place) + 8, height: size * 1.3, fill });
  canvas.text(line, place);
}
