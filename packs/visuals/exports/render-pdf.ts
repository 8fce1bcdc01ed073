import { openPdfCanvas } from '../drawing/pdf-canvas.ts';
import { fonts } from '../drawing/fonts.ts';
import { ground, ink } from '../drawing/palette.ts';
import type { Canvas } from '../drawing/canvas.ts';
import { page, type Layout } from './layout/block.ts';
import { layOutReport, TITLE } from './layout/lay-out-report.ts';
import { paginate } from './layout/paginate.ts';
import type { Report } from './report.ts';

const FOOTER = 76;
const FOOTER_STYLE = { size: 7.5, color: ink.soft };

/** A4 pages, each with the disclaimer and its number. What it says about itself names nobody where it is to be shared. */
export async function renderPdf(report: Report, layout: Layout): Promise<Buffer> {
  const { default: PDFDocument } = await import('pdfkit');
  const document = new PDFDocument({
    autoFirstPage: false,
    size: [page.width, page.height],
    margin: 0,
    font: fonts().regular,
    pdfVersion: '1.7',
    lang: 'en-US',
    displayTitle: true,
    info: {
      Title: report.patient ? `${TITLE}: ${report.patient.name}` : TITLE,
      Creator: 'Lovage visuals',
      CreationDate: new Date(report.generated_at),
    },
  });
  const written = collect(document);
  const canvas = openPdfCanvas(document);
  const pages = paginate(layOutReport(layout, report), page.height - page.margin - FOOTER);
  pages.forEach((blocks, index) => {
    document.addPage();
    let top: number = page.margin;
    for (const block of blocks) {
      block.draw(canvas, top);
      top += block.height;
    }
    drawFooter(canvas, layout, { text: report.disclaimer, number: `${index + 1} / ${pages.length}` });
  });
  document.end();
  return written;
}

function drawFooter(
  canvas: Canvas,
  { type }: Layout,
  { text, number }: { text: string; number: string },
): void {
  const top = page.height - FOOTER + 14;
  canvas.rect({ x: page.margin, y: top, width: page.contentWidth, height: 0.75, fill: ground.line });
  const lines = type.wrap(text, FOOTER_STYLE, { width: page.contentWidth - 50, maxLines: 4 });
  lines.forEach((line, index) =>
    canvas.text(line, { ...FOOTER_STYLE, x: page.margin, y: top + 14 + index * 10.5 }),
  );
  canvas.text(number, { size: 8.5, x: page.margin + page.contentWidth, y: top + 14, align: 'end' });
}

function collect(document: PDFKit.PDFDocument): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  document.on('data', (chunk: Buffer) => chunks.push(chunk));
  document.on('end', () => resolve(Buffer.concat(chunks)));
  document.on('error', reject);
  return promise;
}
