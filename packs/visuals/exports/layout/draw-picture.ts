import type { Box, Canvas, Picture } from '../../drawing/canvas.ts';
import { ground, ink } from '../../drawing/palette.ts';

interface Size {
  width: number;
  height: number;
}

/** In the middle of its box; of one that is gone the box says so. */
export function drawPicture(canvas: Canvas, picture: Picture | undefined, box: Box): void {
  canvas.rect({ ...box, fill: ground.panel });
  const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  if (!picture) {
    const style = { size: 8.5, color: ink.soft, align: 'middle' } as const;
    canvas.text('no longer stored', { ...middle, ...style });
    return;
  }
  const { width, height } = fitPicture(picture, box);
  canvas.image(picture, { x: middle.x - width / 2, y: middle.y - height / 2, width, height });
}

/** As large as there is room, in its own proportions. */
export function fitPicture(picture: Picture, room: Size): Size {
  const scale = Math.min(room.width / picture.width, room.height / picture.height);
  return { width: picture.width * scale, height: picture.height * scale };
}
