import sharp from 'sharp';
import { expect, test } from 'vitest';
import { readPhoto } from '../../../packs/visuals/images/read-photo.ts';
import { makeBomb, makePhoto } from './photos.ts';

const created = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#aa7755' } });

test.each(['jpeg', 'png', 'webp'] as const)('a %s is taken, and stays one', async (format) => {
  const bytes = await created(120, 200).toFormat(format).toBuffer();
  const photo = await readPhoto(bytes, `image/${format}`);
  expect(photo).toMatchObject({ width: 120, height: 200, contentType: `image/${format}` });
  expect(await sharp(photo.bytes).metadata()).toMatchObject({ format, width: 120, height: 200 });
});

test('what a camera notes in a photo is gone, and the photo is upright', async () => {
  const bytes = await created(200, 120)
    .jpeg()
    .withMetadata({ orientation: 6 })
    .withExifMerge({ IFD0: { Artist: 'A Patient' }, IFD3: { GPSLatitudeRef: 'N' } })
    .toBuffer();
  expect(bytes.includes('A Patient')).toBe(true);
  const photo = await readPhoto(bytes, 'image/jpeg');
  expect(photo).toMatchObject({ width: 120, height: 200 });
  expect(photo.bytes.includes('A Patient')).toBe(false);
  const metadata = await sharp(photo.bytes).metadata();
  expect(metadata.exif).toBeUndefined();
  expect(metadata.orientation).toBeUndefined();
});

test('a photo with a second one behind it, as phones make them, is taken without the second', async () => {
  const photo = await makePhoto();
  const taken = await readPhoto(
    Buffer.concat([photo, await makePhoto({ width: 100, height: 100 })]),
    'image/jpeg',
  );
  expect(taken).toMatchObject({ width: 320, height: 400 });
});

test('a photo of 8000 pixels a side is still taken', async () => {
  const bytes = await created(8000, 100).png().toBuffer();
  expect(await readPhoto(bytes, 'image/png')).toMatchObject({ width: 8000 });
});

const animated = () =>
  sharp(
    [0, 1].map((frame) => ({
      create: { width: 120, height: 120, channels: 3 as const, background: frame === 0 ? 'red' : 'blue' },
    })) as never,
    { join: { animated: true } },
  )
    .webp({ loop: 0 })
    .toBuffer();

async function animatedPng(): Promise<Buffer> {
  const bytes = await created(120, 120).png().toBuffer();
  const chunk = Buffer.concat([Buffer.from([0, 0, 0, 8]), Buffer.from('acTL'), Buffer.alloc(12)]);
  return Buffer.concat([bytes.subarray(0, 33), chunk, bytes.subarray(33)]);
}

const png = () => created(200, 200).png().toBuffer();
const then = async (bytes: Promise<Buffer>, more: string) => Buffer.concat([await bytes, Buffer.from(more)]);
const cut = async (bytes: Promise<Buffer>, share: number) => {
  const whole = await bytes;
  return whole.subarray(0, Math.floor(whole.length * share));
};
const svg =
  '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200"><rect width="9" height="9"/></svg>';

test.each<[string, () => Promise<Buffer>, string, RegExp]>([
  ['nothing', async () => Buffer.alloc(0), 'image/png', /empty/],
  ['text', async () => Buffer.from('I am a photo'), 'image/jpeg', /no JPEG, PNG or WebP/],
  ['an SVG', async () => Buffer.from(svg), 'image/svg+xml', /no JPEG, PNG or WebP/],
  ['an SVG that calls itself a PNG', async () => Buffer.from(svg), 'image/png', /no JPEG, PNG or WebP/],
  ['a GIF', () => created(200, 200).gif().toBuffer(), 'image/gif', /no JPEG, PNG or WebP/],
  ['a PNG sent as JPEG', png, 'image/jpeg', /sent as image\/jpeg but is image\/png/],
  ['a PNG that ends early', () => cut(png(), 0.7), 'image/png', /breaks off|damaged/],
  ['a JPEG that ends early', () => cut(makePhoto(), 0.7), 'image/jpeg', /breaks off|damaged/],
  [
    'a WebP that ends early',
    () => cut(created(200, 200).webp().toBuffer(), 0.7),
    'image/webp',
    /breaks off|damaged/,
  ],
  ['a JPEG with a page behind it', () => then(makePhoto(), '<html>'), 'image/jpeg', /goes on after the end/],
  [
    'a PNG with an archive behind it',
    () => then(png(), 'PK\u0003\u0004'),
    'image/png',
    /goes on after the end/,
  ],
  ['an animated WebP', animated, 'image/webp', /animated/],
  ['an animated PNG', animatedPng, 'image/png', /animated|damaged/],
  ['a bomb of 3,600 megapixels', () => makeBomb(), 'image/png', /60000 × 60000|damaged/],
  ['a bomb within the sides, without its pixels', () => makeBomb(8000), 'image/png', /damaged/],
  ['a stamp', () => created(99, 200).png().toBuffer(), 'image/png', /99 × 200 pixels; 100 to 8000/],
  ['a banner', () => created(8001, 100).png().toBuffer(), 'image/png', /8001 × 100/],
  [
    'more than 10 MB',
    async () => Buffer.alloc(10 * 1024 * 1024 + 1, 0xff),
    'image/jpeg',
    /larger than 10 MB/,
  ],
])('%s is refused, with the reason', async (_what, make, type, reason) => {
  const refused = readPhoto(await make(), type);
  await expect(refused).rejects.toMatchObject({ name: 'BadImage', message: expect.stringMatching(reason) });
});
