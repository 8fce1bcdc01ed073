import type { Pixels } from './pixels.ts';
import type { Spot } from './regions.ts';

/** Bends, smooths and tints one spot of a picture in place; `soft` is the same picture without its fine texture. */
export function changeSpot(picture: Pixels, soft: Pixels, spot: Spot): void {
  const { width, height } = picture;
  const source = Buffer.from(picture.data);
  const { smooth = 0, lighten = 0, redden = 0 } = spot.change;
  const left = Math.max(0, Math.floor(spot.centerX - spot.radiusX));
  const right = Math.min(width - 1, Math.ceil(spot.centerX + spot.radiusX));
  const top = Math.max(0, Math.floor(spot.centerY - spot.radiusY));
  const bottom = Math.min(height - 1, Math.ceil(spot.centerY + spot.radiusY));
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const strength = strengthAt(spot, x, y);
      if (strength === 0) continue;
      const from = originOf(spot, x, y, strength);
      for (let channel = 0; channel < 3; channel++) {
        const sharp = sample(source, picture, from, channel);
        const mixed = sharp + (sample(soft.data, soft, from, channel) - sharp) * smooth * strength;
        const tint = lighten + (channel === 0 ? redden : -redden / 2);
        picture.data[(y * width + x) * 3 + channel] = clamp(mixed + tint * strength, 255);
      }
    }
  }
}

/** 1 in the middle, 0 at the rim and beyond, without an edge anywhere. */
function strengthAt({ centerX, centerY, radiusX, radiusY }: Spot, x: number, y: number): number {
  const distance = ((x - centerX) / radiusX) ** 2 + ((y - centerY) / radiusY) ** 2;
  return distance >= 1 ? 0 : (1 - distance) ** 2;
}

/** Which place of the old picture is seen at this one. */
function originOf(
  { centerX, centerY, radiusX, radiusY, change }: Spot,
  x: number,
  y: number,
  strength: number,
) {
  const { scaleX = 1, scaleY = 1, shiftX = 0, shiftY = 0 } = change;
  const stretch = (scale: number) => 1 + (1 / scale - 1) * strength;
  return {
    x: centerX + (x - centerX) * stretch(scaleX) - shiftX * radiusX * strength,
    y: centerY + (y - centerY) * stretch(scaleY) - shiftY * radiusY * strength,
  };
}

/** Between four pixels, by how near each is. */
function sample(
  data: Buffer,
  { width, height }: Pixels,
  at: { x: number; y: number },
  channel: number,
): number {
  const x = clamp(at.x, width - 1);
  const y = clamp(at.y, height - 1);
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, bottom] = [Math.min(left + 1, width - 1), Math.min(top + 1, height - 1)];
  const pixel = (column: number, row: number) => data[(row * width + column) * 3 + channel] ?? 0;
  const upper = pixel(left, top) + (pixel(right, top) - pixel(left, top)) * (x - left);
  const lower = pixel(left, bottom) + (pixel(right, bottom) - pixel(left, bottom)) * (x - left);
  return upper + (lower - upper) * (y - top);
}

const clamp = (value: number, max: number): number => Math.min(Math.max(value, 0), max);
