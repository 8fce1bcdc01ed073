import { STRICT } from './read-photo.ts';

const SIDE = 64;
const LEVELS = 4;

export interface Embedding {
  model: 'histogram-rgb-64';
  values: number[];
}

/** How often each of 64 colours occurs, as a vector of length 1: images alike in colour are near each other. */
export async function embedImage(image: Buffer): Promise<Embedding> {
  const { default: sharp } = await import('sharp');
  const small = sharp(image, STRICT).resize({ width: SIDE, height: SIDE, fit: 'fill' });
  const data = await small
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer();
  const counts = Array<number>(LEVELS ** 3).fill(0);
  const level = (value = 0) => Math.floor((value * LEVELS) / 256);
  for (let at = 0; at < data.length; at += 3) {
    const color = (level(data[at]) * LEVELS + level(data[at + 1])) * LEVELS + level(data[at + 2]);
    counts[color] = (counts[color] ?? 0) + 1;
  }
  const length = Math.hypot(...counts);
  return { model: 'histogram-rgb-64', values: counts.map((count) => Number((count / length).toFixed(5))) };
}
