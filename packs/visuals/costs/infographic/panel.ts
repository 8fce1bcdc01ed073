import type { Box, Canvas } from '../../drawing/canvas.ts';
import type { Typesetter } from '../../drawing/typesetter.ts';
import type { Estimate } from '../estimate.ts';

export interface Charted extends Omit<Estimate, 'assumptions'> {
  procedure_name: string;
}

/** What one part of the picture is drawn with, and where. */
export interface Panel {
  canvas: Canvas;
  type: Typesetter;
  box: Box;
}
