import { crc32 } from 'node:zlib';
import sharp from 'sharp';

/** A picture of nobody: soft noise, so that it has the size of a photo. */
export async function makePhoto({ width = 320, height = 400 } = {}): Promise<Buffer> {
  const noise = { type: 'gaussian' as const, mean: 150, sigma: 30 };
  return sharp({ create: { width, height, channels: 3, background: '#c9a38b', noise } })
    .jpeg()
    .toBuffer();
}

/** A PNG header that announces so many pixels, over next to no data. */
export async function makeBomb(side = 60_000): Promise<Buffer> {
  const bytes = await sharp({ create: { width: 200, height: 200, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const bomb = Buffer.from(bytes);
  bomb.writeUInt32BE(side, 16);
  bomb.writeUInt32BE(side, 20);
  bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
  return bomb;
}
