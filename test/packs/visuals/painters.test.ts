import { isTransient } from 'lovage';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readEnvironment } from '../../../packs/visuals/environment.ts';
import { choosePainter } from '../../../packs/visuals/painter/choose.ts';
import type { Painting } from '../../../packs/visuals/painter/painter.ts';
import { BODY_REGIONS, type BodyRegion } from '../../../packs/visuals/schema/index.ts';
import { drawFace, FACES } from './draw-face.ts';
import { painted, startGemini, type GeminiServer } from './gemini-server.ts';
import { makeBomb, makePhoto } from './photos.ts';

let gemini: GeminiServer;
let face: Buffer;

beforeAll(async () => {
  gemini = await startGemini();
  face = await drawFace(FACES.a);
});
afterAll(() => gemini[Symbol.asyncDispose]());

const request = (photo: Buffer, bodyRegion: BodyRegion = 'nose') => ({
  photo,
  procedure: { name: 'Rhinoplasty', bodyRegion },
  prompt: 'Paint "Rhinoplasty"',
  signal: AbortSignal.timeout(20_000),
});
const compose = (photo: Buffer, region?: BodyRegion) =>
  choosePainter(readEnvironment({})).paint(request(photo, region));
const askGemini = (photo: Buffer): Promise<Painting> =>
  choosePainter(readEnvironment({ NANO_BANANA_API_KEY: 'the-key', GEMINI_URL: gemini.url })).paint(
    request(photo),
  );

describe('composed without a model', () => {
  const pixels = (image: Buffer) => sharp(image).resize(400, 500).removeAlpha().raw().toBuffer();
  const changedIn = (one: Buffer, other: Buffer, [top, bottom]: [number, number]) => {
    let changed = 0;
    for (let at = top * 400 * 3; at < bottom * 400 * 3; at++)
      if (Math.abs((one[at] ?? 0) - (other[at] ?? 0)) > 24) changed += 1;
    return changed / ((bottom - top) * 400 * 3);
  };

  test('only the region and the mark at the bottom differ from the photo, and a sheet shows both', async () => {
    const painting = await compose(face, 'nose');
    expect(painting).toMatchObject({
      model: 'compose',
      confidence: 0,
      details: { face_found_by: 'skin colour' },
    });
    const [before, after] = [await pixels(face), await pixels(painting.after.bytes)];
    expect(changedIn(before, after, [0, 200])).toBeLessThan(0.002);
    expect(changedIn(before, after, [210, 330])).toBeGreaterThan(0.005);
    const belowTheNostrils = [318, 345] as [number, number];
    expect(changedIn(before, after, belowTheNostrils)).toBeGreaterThan(0.005);
    expect(changedIn(before, after, [350, 440])).toBeLessThan(0.002);
    expect(changedIn(before, after, [470, 499])).toBeGreaterThan(0.5);
    expect(await sharp(painting.sheet).metadata()).toMatchObject({ format: 'jpeg', width: 1600 });
  });

  test('every region of every procedure is drawn, the same each time', async () => {
    const small = await sharp(face).resize(200).jpeg().toBuffer();
    const all = await Promise.all(BODY_REGIONS.map((region) => compose(small, region)));
    expect(new Set(all.map(({ after }) => after.bytes.toString('base64'))).size).toBe(BODY_REGIONS.length);
    expect((await compose(small, BODY_REGIONS[0])).after.bytes).toEqual(all[0]?.after.bytes);
  });

  test.each([
    ['a photo in which no face can be found', 300, 300],
    ['a photo as long as they come', 8000, 100],
    ['a tiny photo', 100, 100],
  ])('%s is taken for a usual portrait', async (_what, width, height) => {
    const photo = await sharp({ create: { width, height, channels: 3, background: '#2050a0' } })
      .png()
      .toBuffer();
    const { details, after } = await compose(photo);
    expect(details).toMatchObject({ face_found_by: 'usual portrait' });
    const { width: drawn, height: high } = await sharp(after.bytes).metadata();
    expect(Math.max(drawn / high, high / drawn)).toBeLessThan(3.1);
  });
});

test('Gemini gets the key in its header, the prompt, and the photo as JPEG of at most 1024 pixels', async () => {
  const answer = await sharp(face).png().toBuffer();
  gemini.replies.set('Rhinoplasty', painted(answer));
  const painting = await askGemini(await makePhoto({ width: 2000, height: 1500 }));
  expect(painting).toMatchObject({ model: 'gemini-2.5-flash-image', after: { contentType: 'image/png' } });
  const call = gemini.calls.at(-1);
  expect(call).toMatchObject({
    path: '/v1beta/models/gemini-2.5-flash-image:generateContent',
    key: 'the-key',
    mimeType: 'image/jpeg',
  });
  expect(await sharp(call?.image).metadata()).toMatchObject({ format: 'jpeg', width: 1024, height: 768 });
});

const refusal = { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } };
const blocked = { candidates: [{ finishReason: 'IMAGE_SAFETY' }] };
const text = { candidates: [{ content: { parts: [{ text: 'No.' }] }, finishReason: 'STOP' }] };

test.each([
  ['429', { status: 429 }, 'RateLimited', true],
  ['503', { status: 503 }, 'PainterError', true],
  ['500 with a page', { status: 500, type: 'text/html', body: '<h1>Oops</h1>' }, 'PainterError', true],
  ['400', { status: 400, body: { error: 'bad' } }, 'PainterError', false],
  ['a wrong key', { status: 403 }, 'PainterError', false],
  ['a page instead of JSON', { type: 'text/html', body: '<h1>Hi</h1>' }, 'PainterError', false],
  ['JSON that is none', { body: '{"candidates": [' }, 'PainterError', false],
  ['another shape', { body: { candidates: 'none' } }, 'PainterError', false],
  ['text and no image', { body: text }, 'PainterError', false],
  ['text that calls itself a PNG', painted(Buffer.from('not a picture at all')), 'PainterError', false],
  ['a refusal of the prompt', { body: refusal }, 'SafetyRefusal', false],
  ['a refusal of the picture', { body: blocked }, 'SafetyRefusal', false],
])(
  'of Gemini, %s is an error of its own code, tried again only where that can help',
  async (_w, reply, code, again) => {
    gemini.replies.set('Rhinoplasty', reply);
    const error: unknown = await askGemini(face).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code });
    expect(isTransient(error)).toBe(again);
    expect(String(error)).not.toContain('the-key');
  },
);

test('a PNG that is sent as JPEG, or that announces 3,600 megapixels, is refused', async () => {
  for (const lie of [painted(await makePhoto(), 'image/png'), painted(await makeBomb())]) {
    gemini.replies.set('Rhinoplasty', lie);
    await expect(askGemini(face)).rejects.toMatchObject({ code: 'PainterError' });
  }
});

test('an aborted signal ends the wait for Gemini at once', async () => {
  const { promise, resolve } = Promise.withResolvers<object>();
  gemini.replies.set('Rhinoplasty', promise);
  const stop = new AbortController();
  const painter = choosePainter(readEnvironment({ GEMINI_API_KEY: 'the-key', GEMINI_URL: gemini.url }));
  const painting = painter.paint({ ...request(face), signal: stop.signal });
  stop.abort(new Error('enough'));
  await expect(painting).rejects.toThrow('enough');
  resolve({});
});

test('a Gemini that cannot be reached is worth another attempt', async () => {
  const gone = await startGemini();
  await gone[Symbol.asyncDispose]();
  const painter = choosePainter(readEnvironment({ GEMINI_API_KEY: 'k', GEMINI_URL: gone.url }));
  const error: unknown = await painter.paint(request(face)).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'PainterError' });
  expect(isTransient(error)).toBe(true);
});
