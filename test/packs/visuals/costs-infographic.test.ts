import sharp from 'sharp';
import { expect, test } from 'vitest';
import { drawInfographic } from '../../../packs/visuals/costs/infographic/draw-infographic.ts';
import { ground, ink, palette } from '../../../packs/visuals/drawing/palette.ts';
import { scaleAxis } from '../../../packs/visuals/drawing/scale-axis.ts';
import { openTypesetter } from '../../../packs/visuals/drawing/typesetter.ts';
import { makeCost } from './report.ts';

/** How much of the picture has just this colour. */
async function shareOf(picture: Buffer, color: string): Promise<number> {
  const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  let count = 0;
  for (let at = 0; at < data.length; at += 3) {
    if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) count++;
  }
  return count / (info.width * info.height);
}

test('an infographic is a PNG or a JPEG of 1200 by 800 pixels, in which the charts can be seen', async () => {
  const insured = makeCost('Rhinoplasty', { coveragePercent: 60 });
  const png = await drawInfographic(insured, 'png');
  expect(await sharp(png).metadata()).toMatchObject({ format: 'png', width: 1200, height: 800 });
  for (const color of Object.values(palette)) expect(await shareOf(png, color)).toBeGreaterThan(0.005);
  const jpeg = await drawInfographic(insured, 'jpeg');
  expect(await sharp(jpeg).metadata()).toMatchObject({ format: 'jpeg', width: 1200, height: 800 });
});

test('what insurance pays is in the picture exactly where it pays something', async () => {
  const insured = await drawInfographic(makeCost('Rhinoplasty', { coveragePercent: 60 }), 'png');
  const alone = await drawInfographic(makeCost('Rhinoplasty'), 'png');
  const ring = async (picture: Buffer) => shareOf(picture, palette.blue);
  expect(await ring(insured)).toBeGreaterThan(4 * (await ring(alone)));
  expect((await drawInfographic(makeCost('Rhinoplasty'), 'png')).equals(alone)).toBe(true);
});

test('a name of any length and script leaves the rest of the picture alone', async () => {
  const names = ['Supercalifragilistic'.repeat(30), 'Ринопластика Ρινοπλαστική <b>"&'.repeat(9), '\u202e\0'];
  const plain = await sharp(await drawInfographic(makeCost('Rhinoplasty'), 'png'))
    .extract({ left: 0, top: 180, width: 1200, height: 620 })
    .raw()
    .toBuffer();
  for (const name of names) {
    const drawn = sharp(await drawInfographic(makeCost(name), 'png'));
    const below = await drawn.extract({ left: 0, top: 180, width: 1200, height: 620 }).raw().toBuffer();
    expect(below.equals(plain)).toBe(true);
  }
});

test('text breaks into lines that fit, words too long for one included, and ends in an ellipsis', async () => {
  const type = await openTypesetter();
  const style = { size: 12 };
  const long = `${'x'.repeat(300)} and more`;
  const lines = type.wrap(long, style, { width: 200 });
  expect(lines.join('').replaceAll(' ', '')).toBe(long.replaceAll(' ', ''));
  for (const line of lines) expect(type.widthOf(line, style)).toBeLessThanOrEqual(200);
  const cut = type.wrap(long, style, { width: 200, maxLines: 2 });
  expect(cut).toHaveLength(2);
  expect(cut[1]).toMatch(/…$/);
  expect(type.widthOf(cut[1] ?? '', style)).toBeLessThanOrEqual(200);
});

test('an axis goes in round steps from nothing to above the largest value', () => {
  expect(scaleAxis(4_675, 4)).toEqual([0, 2_000, 4_000, 6_000]);
  expect(scaleAxis(81_620, 4)).toEqual([0, 25_000, 50_000, 75_000, 100_000]);
  expect(scaleAxis(0, 4)).toEqual([0, 1]);
});

test('text reaches a contrast of 4.5:1 and charts of 3:1 against what they stand on', () => {
  for (const back of [ground.page, ground.panel]) {
    for (const color of Object.values(ink)) expect(contrast(color, back)).toBeGreaterThan(4.5);
    for (const color of Object.values(palette)) expect(contrast(color, back)).toBeGreaterThan(3);
  }
});

/** As WCAG 2 defines it. */
function contrast(one: string, other: string): number {
  const luminance = (color: string) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5]
      .map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255)
      .map((part) => (part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}
