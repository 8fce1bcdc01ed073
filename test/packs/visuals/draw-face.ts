import sharp from 'sharp';
import { renderSvg } from '../../../packs/visuals/drawing/render-svg.ts';

export interface FaceLook {
  skin: string;
  shade: string;
  hair: string;
  lips: string;
  cloth: string;
  wall: string;
}

export const FACES: Record<'a' | 'b', FaceLook> = {
  a: {
    skin: '#e0ac8c',
    shade: '#b97f61',
    hair: '#3a2a22',
    lips: '#b5604f',
    cloth: '#4f6d7a',
    wall: '#dfe5e8',
  },
  b: {
    skin: '#8d5a3c',
    shade: '#603a25',
    hair: '#1b1512',
    lips: '#7c3f35',
    cloth: '#a8683f',
    wall: '#e9e3d8',
  },
};

/** A drawn face of nobody, with the word for it in the picture. */
export async function drawFace(look: FaceLook): Promise<Buffer> {
  const drawn = await renderSvg(svgOf(look));
  return sharp(drawn).flatten().jpeg({ quality: 88 }).toBuffer();
}

const eye = (x: number, { skin, shade, hair }: FaceLook): string => `
  <ellipse cx="${x}" cy="468" rx="52" ry="34" fill="${shade}" opacity="0.28" filter="url(#soft)"/>
  <path d="M ${x - 42} 472 Q ${x} 438 ${x + 42} 472 Q ${x} 496 ${x - 42} 472 Z" fill="#f7f3ee"/>
  <circle cx="${x}" cy="469" r="17" fill="#5a4630"/><circle cx="${x}" cy="469" r="8" fill="#15100c"/>
  <circle cx="${x + 5}" cy="463" r="3.5" fill="#fff"/>
  <path d="M ${x - 44} 472 Q ${x} 432 ${x + 44} 470" fill="none" stroke="${hair}" stroke-width="6" stroke-linecap="round"/>
  <path d="M ${x - 40} 452 Q ${x} 424 ${x + 40} 450" fill="none" stroke="${shade}" stroke-width="3" opacity="0.6"/>
  <path d="M ${x - 36} 484 Q ${x} 504 ${x + 36} 484" fill="none" stroke="${shade}" stroke-width="2.5" opacity="0.5"/>
  <path d="M ${x - 56} 420 Q ${x - 4} 384 ${x + 56} 414 Q ${x} 400 ${x - 56} 420 Z" fill="${hair}" stroke="${hair}" stroke-width="4" stroke-linejoin="round"/>
  <circle cx="${x}" cy="530" r="3" fill="${skin}"/>`;

const ear = (x: number, { skin, shade }: FaceLook): string => `
  <ellipse cx="${x}" cy="510" rx="38" ry="74" fill="${skin}"/>
  <ellipse cx="${x}" cy="512" rx="20" ry="50" fill="${shade}" opacity="0.45"/>`;

function svgOf(look: FaceLook): string {
  const { skin, shade, hair, lips, cloth, wall } = look;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="800" height="1000" viewBox="0 0 800 1000">
  <defs>
    <filter id="soft" x="-50%" y="-50%" width="200%" height="200%"><feGaussianBlur stdDeviation="12"/></filter>
    <filter id="softer" x="-50%" y="-50%" width="200%" height="200%"><feGaussianBlur stdDeviation="30"/></filter>
    <radialGradient id="wall" cx="50%" cy="40%" r="75%"><stop offset="0" stop-color="#ffffff"/><stop offset="1" stop-color="${wall}"/></radialGradient>
    <clipPath id="neck"><path d="M 306 700 L 306 850 Q 400 930 494 850 L 494 700 Z"/></clipPath>
    <clipPath id="face"><path d="M 218 430 Q 214 210 400 204 Q 586 210 582 430 Q 586 610 520 716 Q 460 800 400 802 Q 340 800 280 716 Q 214 610 218 430 Z"/></clipPath>
  </defs>
  <rect width="800" height="1000" fill="url(#wall)"/>
  <path d="M 176 560 Q 130 140 400 120 Q 670 140 624 560 Q 600 620 580 560 L 220 560 Q 200 620 176 560 Z" fill="${hair}"/>
  <path d="M 306 700 L 306 850 Q 400 930 494 850 L 494 700 Z" fill="${skin}"/>
  <g clip-path="url(#neck)"><ellipse cx="400" cy="806" rx="130" ry="46" fill="${shade}" opacity="0.5" filter="url(#soft)"/></g>
  <path d="M 40 1000 Q 70 880 306 838 Q 400 930 494 838 Q 730 880 760 1000 Z" fill="${cloth}"/>
  ${ear(214, look)}${ear(586, look)}
  <g clip-path="url(#face)">
    <rect x="200" y="190" width="400" height="630" fill="${skin}"/>
    <ellipse cx="232" cy="620" rx="60" ry="190" fill="${shade}" opacity="0.5" filter="url(#softer)"/>
    <ellipse cx="568" cy="620" rx="60" ry="190" fill="${shade}" opacity="0.5" filter="url(#softer)"/>
    <ellipse cx="300" cy="600" rx="52" ry="40" fill="${lips}" opacity="0.22" filter="url(#soft)"/>
    <ellipse cx="500" cy="600" rx="52" ry="40" fill="${lips}" opacity="0.22" filter="url(#soft)"/>
    <path d="M 300 330 Q 400 318 500 330 M 310 358 Q 400 346 490 358" fill="none" stroke="${shade}" stroke-width="3" opacity="0.45"/>
    <path d="M 200 360 Q 250 238 400 250 Q 550 238 600 360 L 600 180 L 200 180 Z" fill="${hair}"/>
    <path d="M 330 650 Q 304 690 316 726 M 470 650 Q 496 690 484 726" fill="none" stroke="${shade}" stroke-width="4" opacity="0.5"/>
  </g>
  ${eye(312, look)}${eye(488, look)}
  <path d="M 376 470 Q 362 560 348 596 Q 352 626 382 622 Q 400 634 418 622 Q 448 626 452 596 Q 438 560 424 470" fill="${shade}" opacity="0.22" filter="url(#soft)"/>
  <path d="M 350 596 Q 346 622 374 624 Q 400 640 426 624 Q 454 622 450 596" fill="none" stroke="${shade}" stroke-width="5" stroke-linecap="round"/>
  <ellipse cx="380" cy="618" rx="10" ry="6" fill="${shade}"/><ellipse cx="420" cy="618" rx="10" ry="6" fill="${shade}"/>
  <path d="M 396 480 Q 392 550 396 590" fill="none" stroke="#fff" stroke-width="16" opacity="0.3" stroke-linecap="round" filter="url(#soft)"/>
  <path d="M 326 702 Q 372 682 400 692 Q 428 682 474 702 Q 432 712 400 710 Q 368 712 326 702 Z" fill="${lips}"/>
  <path d="M 326 702 Q 368 712 400 710 Q 432 712 474 702 Q 440 742 400 742 Q 360 742 326 702 Z" fill="${lips}" opacity="0.86"/>
  <path d="M 326 702 Q 368 713 400 710 Q 432 713 474 702" fill="none" stroke="#4a2019" stroke-width="3" opacity="0.7"/>
  <ellipse cx="400" cy="780" rx="40" ry="12" fill="${shade}" opacity="0.3" filter="url(#soft)"/>
  <rect x="0" y="16" width="800" height="44" fill="#ffffff" opacity="0.8"/>
  <text x="400" y="46" font-family="DejaVu Sans" font-size="24" text-anchor="middle" fill="#333">SAMPLE: a drawn face of nobody</text>
</svg>`;
}
