import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { extractText, getDocumentProxy } from 'unpdf';
import type { ExportFormat } from '../../../packs/visuals/schema/index.ts';
import { openTypesetter } from '../../../packs/visuals/drawing/typesetter.ts';
import type { Block } from '../../../packs/visuals/exports/layout/block.ts';
import { layOutReport } from '../../../packs/visuals/exports/layout/lay-out-report.ts';
import { layOutSheet, MAX_SHEET_HEIGHT } from '../../../packs/visuals/exports/layout/lay-out-sheet.ts';
import { paginate } from '../../../packs/visuals/exports/layout/paginate.ts';
import { redactReport } from '../../../packs/visuals/exports/redact-report.ts';
import { renderReport } from '../../../packs/visuals/exports/render-report.ts';
import { DISCLAIMER, type Report } from '../../../packs/visuals/exports/report.ts';
import { imageKey, makeReport } from './report.ts';

const HEADINGS = ['Patient', 'Previews', 'Comparisons', 'Cost estimates', 'Rhinoplasty'];
const WORDS = /board-certified surgeon before you decide/;
const { signal } = new AbortController();
const files = new Map<string, Buffer>();

beforeAll(async () => {
  const photo = (background: string, width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background } })
      .withExif({ IFD0: { Artist: 'Photographed at Home Street 1' } })
      .jpeg()
      .toBuffer();
  files.set(imageKey('a'), await photo('#c09070', 640, 800));
  files.set(imageKey('b'), await photo('#3070c0', 3_000, 400));
});

const store = {
  get: async (key: string) => {
    const bytes = files.get(key);
    return bytes && { bytes, contentType: 'image/jpeg' as const };
  },
};
const render = (report: Report, format: ExportFormat) => renderReport(report, format, { store, signal });

async function readPdf(pdf: Buffer) {
  const document = await getDocumentProxy(new Uint8Array(pdf));
  const { text: pages } = await extractText(document, { mergePages: false });
  const { info } = (await document.getMetadata()) as unknown as { info: Record<string, unknown> };
  return { pages: pages.map((page) => page.replaceAll(/\s+/g, ' ')), info };
}

test('the PDF tells all there is, in the letters of any European script', async () => {
  const { pages, info } = await readPdf(await render(makeReport(), 'pdf'));
  const text = pages.join(' ');
  for (const said of [
    'Prepared for Zoë Müller-Αθηνά Иванова',
    'POL-4711',
    'Sample Mutual',
    'Asthma as a child.',
    'Otoplasty',
    '14 days',
    '$8,500 in all',
    'Insurance pays $6,400, you pay $2,100.',
    'An illustration of the region, not a prediction.',
  ])
    expect(text).toContain(said);
  expect(info).toMatchObject({
    Title: 'Surgical preview report: Zoë Müller-Αθηνά Иванова',
    Language: 'en-US',
  });
});

test('every page of the PDF bears the disclaimer and its number', async () => {
  const [visualization] = makeReport().visualizations;
  if (!visualization) throw new Error('the sample has no preview');
  const report = makeReport({ visualizations: Array.from({ length: 9 }, () => visualization) });
  const { pages } = await readPdf(await render(report, 'pdf'));
  expect(pages.length).toBeGreaterThan(4);
  pages.forEach((page, index) => {
    expect(page).toMatch(WORDS);
    expect(page).toContain(`${index + 1} / ${pages.length}`);
  });
});

test('what belongs together moves to the next page together', () => {
  const line = (height: number, keepsWithNext = false) => ({ height, keepsWithNext, draw: () => {} });
  const heights = (blocks: ReturnType<typeof line>[]) =>
    paginate(blocks, 100).map((page) => page.map(({ height }) => height));
  expect(heights([line(80), line(10, true), line(5, true), line(30)])).toEqual([[80], [10, 5, 30]]);
  expect(heights([line(80), line(10), line(30)])).toEqual([[80, 10], [30]]);
  // Longer than a page, it is broken where it must be.
  expect(heights([line(40), line(60, true), line(60, true), line(60)])).toEqual([[40, 60], [60], [60]]);
});

test('a heading never stands alone at the foot of a page, wherever the page ends', async () => {
  const type = await openTypesetter();
  const blocks = layOutReport({ type, pictures: new Map() }, makeReport());
  for (let height = 320; height < 900; height += 7) {
    for (const page of paginate(blocks, height)) {
      expect(HEADINGS).not.toContain(linesOf(page).at(-1));
    }
  }
});

test('what is to be shared holds neither name, policy, insurance nor history, in no format and in no metadata', async () => {
  const shared = redactReport(makeReport());
  const { pages, info } = await readPdf(await render(shared, 'pdf'));
  const json = (await render(shared, 'json')).toString();
  for (const told of [pages.join(' '), JSON.stringify(info), json]) {
    expect(told).not.toMatch(/Zoë|Müller|POL-4711|Sample Mutual|Asthma|Sampletown|1990/);
    expect(told).not.toMatch(/Insurance pays|\b6,?400\b|deductible/);
  }
  expect(pages.join(' ')).toContain('Rhinoplasty');
  expect(info).toMatchObject({ Title: 'Surgical preview report' });
  expect(JSON.parse(json)).toMatchObject({
    shareable: true,
    patient: null,
    disclaimer: DISCLAIMER,
    cost_estimates: [{ coverage: null, payment_plans: null, total_cost: 8_500 }],
  });
});

test('a photo brings nothing of its own metadata into a report', async () => {
  const names = 'Home Street';
  expect(files.get(imageKey('a'))?.includes(names)).toBe(true);
  expect((await render(makeReport(), 'pdf')).includes(names)).toBe(false);
});

test('the sheet is a picture as long as the report, with the photos in it, in PNG and in JPEG', async () => {
  const png = await render(makeReport(), 'png');
  const { width, height, format } = await sharp(png).metadata();
  expect({ width, format }).toEqual({ width: 1_190, format: 'png' });
  expect(height).toBeGreaterThan(1_500);
  expect(await countPixels(png, [0xc0, 0x90, 0x70])).toBeGreaterThan(6_000);
  expect(await countPixels(png, [0x30, 0x70, 0xc0])).toBeGreaterThan(600);

  const jpeg = await render(makeReport(), 'jpeg');
  expect(await sharp(jpeg).metadata()).toMatchObject({ format: 'jpeg', width, height });
  const shared = await sharp(await render(redactReport(makeReport()), 'png')).metadata();
  expect(shared.height).toBeLessThan(height);
});

/** About this colour, as JPEG and scaling leave it. */
async function countPixels(picture: Buffer, color: readonly number[]): Promise<number> {
  const small = sharp(picture).resize({ width: 298, kernel: 'nearest' });
  const data = await small.removeAlpha().raw().toBuffer();
  let count = 0;
  for (let at = 0; at < data.length; at += 3) {
    if (color.every((part, index) => Math.abs((data[at + index] ?? 0) - part) <= 4)) count++;
  }
  return count;
}

test('a photo that is gone leaves a note in its place', async () => {
  const [visualization] = makeReport().visualizations;
  if (!visualization) throw new Error('the sample has no preview');
  const gone = { ...visualization, after_image: { key: imageKey('c'), content_type: 'image/jpeg' } };
  const { pages } = await readPdf(await render(makeReport({ visualizations: [gone] }), 'pdf'));
  expect(pages.join(' ')).toContain('no longer stored');
});

test('a sheet that would be too long for viewers ends early, says so, and keeps its disclaimer', async () => {
  const layout = { type: await openTypesetter(), pictures: new Map() };
  const [visualization] = makeReport().visualizations;
  if (!visualization) throw new Error('the sample has no preview');
  const many = (length: number) =>
    makeReport({ visualizations: Array.from({ length }, () => visualization) });
  const { blocks, height } = layOutSheet(layout, many(100));
  expect(height).toBeGreaterThan(MAX_SHEET_HEIGHT - 400);
  expect(height).toBeLessThanOrEqual(MAX_SHEET_HEIGHT);
  const text = linesOf(blocks).join(' ');
  expect(text).toContain('The report goes on');
  expect(text).toMatch(WORDS);
  expect(linesOf(layOutSheet(layout, many(9)).blocks).join(' ')).not.toContain('The report goes on');
});

/** The text that blocks draw, line by line. */
function linesOf(blocks: readonly Block[]): string[] {
  const lines: string[] = [];
  const canvas = { text: (line: string) => void lines.push(line), rect() {}, path() {}, image() {} };
  for (const block of blocks) block.draw(canvas, 0);
  return lines;
}

test('the same report is the same file, byte by byte', async () => {
  const report = makeReport({ comparisons: [] });
  for (const format of ['pdf', 'jpeg'] as const)
    expect((await render(report, format)).equals(await render(report, format))).toBe(true);
});

test('an aborted export stops before it is drawn', async () => {
  const aborted = AbortSignal.abort(new Error('cancelled'));
  await expect(renderReport(makeReport(), 'pdf', { store, signal: aborted })).rejects.toThrow('cancelled');
});
