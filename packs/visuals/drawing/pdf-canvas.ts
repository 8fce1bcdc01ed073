import type { Canvas } from './canvas.ts';
import { fonts } from './fonts.ts';
import { ink } from './palette.ts';

/** A canvas on the current page of a pdfkit document. */
export function openPdfCanvas(document: PDFKit.PDFDocument): Canvas {
  // By their paths: under a registered name, pdfkit reads the document's first font anew at every switch.
  const { regular, bold: boldFont } = fonts();
  return {
    text: (line, { x, y, size, bold = false, color = ink.strong, align = 'start' }) => {
      document
        .font(bold ? boldFont : regular)
        .fontSize(size)
        .fillColor(color);
      const width = align === 'start' ? 0 : document.widthOfString(line);
      const left = align === 'end' ? x - width : x - width / 2;
      document.text(line, left, y, { lineBreak: false, baseline: 'alphabetic' });
    },
    rect: ({ x, y, width, height, radius = 0, fill, stroke }) => {
      document.roundedRect(x, y, width, height, Math.min(radius, width / 2, height / 2)).lineWidth(1);
      if (fill && stroke) document.fillAndStroke(fill, stroke);
      else if (fill) document.fill(fill);
      else document.stroke(stroke);
    },
    path: (outline, { fill }) => void document.path(outline).fill(fill),
    image: ({ uri }, { x, y, width, height }) => void document.image(uri, x, y, { width, height }),
  };
}
