import { escapeXml } from '../../drawing/render-svg.ts';
import type { Spot } from './regions.ts';

export const MARK = 'Illustration, not a prediction';
const FONT = 'font-family="DejaVu Sans"';

interface Size {
  width: number;
  height: number;
}

/** Over the picture after: dashed outlines of what was changed, and the mark on a band at the bottom. */
export function drawMarks({ width, height }: Size, spots: readonly Spot[]): string {
  const line = Math.max(1.5, Math.min(width, height) / 300);
  const text = Math.max(10, Math.min(width / 24, height / 14));
  const band = text * 2;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    ${spots.map((spot) => outline(spot, line)).join('')}
    <rect y="${height - band}" width="${width}" height="${band}" fill="#1d2733" opacity="0.78"/>
    <text x="${width / 2}" y="${height - band * 0.33}" ${FONT} font-size="${text}" text-anchor="middle" fill="#fff">${MARK}</text>
  </svg>`;
}

function outline({ centerX, centerY, radiusX, radiusY }: Spot, line: number): string {
  const ellipse = `<ellipse cx="${centerX}" cy="${centerY}" rx="${radiusX}" ry="${radiusY}" fill="none"`;
  return `${ellipse} stroke="#10202c" stroke-opacity="0.45" stroke-width="${line * 2.2}"/>
    ${ellipse} stroke="#ffffff" stroke-width="${line}" stroke-dasharray="${line * 5} ${line * 3}"/>`;
}

export const SHEET = { width: 1600, margin: 48, gap: 32, header: 132, footer: 120 } as const;
export const PANEL_WIDTH = (SHEET.width - 2 * SHEET.margin - SHEET.gap) / 2;

/** The page on which the two pictures are laid. */
export function drawSheet({
  name,
  region,
  panelHeight,
}: {
  name: string;
  region: string;
  panelHeight: number;
}): string {
  const { width, margin, gap, header, footer } = SHEET;
  const height = header + panelHeight + footer;
  const label = (x: number, text: string) =>
    `<text x="${x}" y="${header - 16}" ${FONT} font-size="22" fill="#51606e">${text}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <rect width="${width}" height="${height}" fill="#f6f4f0"/>
    <text x="${margin}" y="66" ${FONT} font-size="38" font-weight="bold" fill="#1d2733">${escapeXml(name)}</text>
    ${label(margin, 'Before')}
    ${label(margin + PANEL_WIDTH + gap, `After: outlined is the region of the procedure (${escapeXml(region)})`)}
    <text x="${margin}" y="${height - 66}" ${FONT} font-size="26" font-weight="bold" fill="#8a3324">${MARK}</text>
    <text x="${margin}" y="${height - 30}" ${FONT} font-size="19" fill="#51606e">Composed from the photo by simple local changes; no model was asked, and no outcome is foretold. A surgeon can tell more.</text>
  </svg>`;
}
