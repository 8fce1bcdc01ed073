import { STRICT } from '../images/read-photo.ts';

const MAX_SIDE = 1024;
const QUALITY = 90;

/** What is sent to a painter: JPEG, at most 1024 pixels a side. */
export async function shrinkPhoto(photo: Buffer): Promise<Buffer> {
  const { default: sharp } = await import('sharp');
  return sharp(photo, STRICT)
    .resize({ width: MAX_SIDE, height: MAX_SIDE, fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#ffffff' })
    .jpeg({ quality: QUALITY })
    .toBuffer();
}
