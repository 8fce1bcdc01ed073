import type sharp from 'sharp';
import { renderSvg } from '../../drawing/render-svg.ts';
import { STRICT } from '../../images/read-photo.ts';
import type { Painter } from '../painter.ts';
import { changeSpot } from './change-spot.ts';
import { drawMarks } from './draw-marks.ts';
import { findFace } from './find-face.ts';
import { makeSheet } from './make-sheet.ts';
import { readPixels, type Pixels } from './pixels.ts';
import { placeRegion } from './regions.ts';

const MAX_SIDE = 1280;
const MIN_SIDE = 640;
/** Longer pictures get a border, so that what is written on them can be read. */
const MAX_ASPECT = 3;
const SEARCHED_WIDTH = 160;
const QUALITY = 90;
const SOFTNESS = 160;

/** Paints without any model: a mild change of the region in the photo itself, plainly marked as an illustration. */
export const compose: Painter = {
  async paint({ photo, procedure, signal }) {
    const { default: open } = await import('sharp');
    const before = await readPixels(open(photo, STRICT).resize(await canvasFor(photo)));
    signal.throwIfAborted();
    const small = await readPixels(fromPixels(open, before).resize({ width: SEARCHED_WIDTH }));
    const face = findFace(small);
    const spots = placeRegion(procedure.bodyRegion, face, before);
    const soft = await readPixels(fromPixels(open, before).blur(Math.max(0.5, before.width / SOFTNESS)));
    const after = { ...before, data: Buffer.from(before.data) };
    for (const spot of spots) changeSpot(after, soft, spot);
    signal.throwIfAborted();
    const marks = await renderSvg(drawMarks(after, spots));
    const marked = await fromPixels(open, after)
      .composite([{ input: marks }])
      .jpeg({ quality: QUALITY })
      .toBuffer();
    const sheet = await makeSheet(open, { before, after: marked, procedure });
    return {
      after: { bytes: marked, contentType: 'image/jpeg' },
      sheet,
      model: 'compose',
      confidence: 0,
      details: { face_found_by: face.foundBy, region: procedure.bodyRegion },
    };
  },
};

const fromPixels = (open: typeof sharp, { data, width, height }: Pixels) =>
  open(data, { raw: { width, height, channels: 3 } });

async function canvasFor(photo: Buffer) {
  const { default: open } = await import('sharp');
  const { width, height } = await open(photo, STRICT).metadata();
  const longest = Math.max(width, height);
  const scale = Math.min(Math.max(longest, MIN_SIDE), MAX_SIDE) / longest;
  return {
    width: Math.round(Math.max(width, height / MAX_ASPECT) * scale),
    height: Math.round(Math.max(height, width / MAX_ASPECT) * scale),
    fit: 'contain' as const,
    background: '#e8e6e2',
  };
}
