import type { Canvas } from './canvas.ts';
import { fonts } from './fonts.ts';
import { ink } from './palette.ts';

/** A canvas on the current page of a pdfkit document. */
export function openPdfCanvas(document: PDFKit.PDFDocument): Canvas {
  const { regular, bold } = fonts();
  document.registerFont('regular', regular).registerFont('bold', bold);
  return {
    text: (line, { x, y, size, bold = false, color = ink.strong, align = 'start' }) => {
      document
        .font(bold ? 'bold' : 'regular')
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
    image: ({ bytes }, { x, y, width, height }) => void document.image(bytes, x, y, { width, height }),
  };
}
