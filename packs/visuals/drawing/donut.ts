import type { Canvas, Point } from './canvas.ts';

export interface Slice {
  value: number;
  color: string;
}

/** A ring of slices, clockwise from the top. Slices of nothing are left out; a lone one is a whole ring. */
export function drawDonut(
  canvas: Canvas,
  slices: readonly Slice[],
  { x, y, outer, inner }: Point & { outer: number; inner: number },
): void {
  const total = slices.reduce((sum, { value }) => sum + value, 0);
  if (total <= 0) return;
  let from = 0;
  for (const { value, color } of slices) {
    if (value <= 0) continue;
    // An arc that ends where it starts is not drawn at all.
    const to = Math.min(from + value / total, from + 0.99999);
    canvas.path(outlineSlice({ x, y }, { from, to, outer, inner }), { fill: color });
    from += value / total;
  }
}

function outlineSlice(
  center: Point,
  { from, to, outer, inner }: { from: number; to: number; outer: number; inner: number },
): string {
  const at = (turn: number, radius: number) => {
    const angle = turn * 2 * Math.PI - Math.PI / 2;
    return `${(center.x + radius * Math.cos(angle)).toFixed(3)} ${(center.y + radius * Math.sin(angle)).toFixed(3)}`;
  };
  const large = to - from > 0.5 ? 1 : 0;
  return [
    `M ${at(from, outer)}`,
    `A ${outer} ${outer} 0 ${large} 1 ${at(to, outer)}`,
    `L ${at(to, inner)}`,
    `A ${inner} ${inner} 0 ${large} 0 ${at(from, inner)} Z`,
  ].join(' ');
}
