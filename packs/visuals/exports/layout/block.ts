import type { Canvas, Picture } from '../../drawing/canvas.ts';
import type { Typesetter } from '../../drawing/typesetter.ts';

/** A piece of the report that is never broken over two pages. */
export interface Block {
  height: number;
  draw: (canvas: Canvas, top: number) => void;
  /** Not the last one of a page: a heading, or the first line of what belongs together. */
  keepsWithNext?: boolean;
}

/** What the sections are laid out with. */
export interface Layout {
  type: Typesetter;
  /** By the key of a stored image; one that is missing is no longer stored. */
  pictures: ReadonlyMap<string, Picture>;
}

/** A4 in points, with what is left between the margins. */
export const page = { width: 595, height: 842, margin: 44, contentWidth: 507 } as const;

export const gap = (height: number): Block => ({ height, draw: () => {} });
