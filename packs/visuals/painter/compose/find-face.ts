import type { Pixels } from './pixels.ts';

/** In shares of the picture's width and height: the head from its hairline to its chin. */
export interface Face {
  centerX: number;
  top: number;
  bottom: number;
  /** From the centre to one side of the face. */
  halfWidth: number;
  foundBy: 'skin colour' | 'usual portrait';
}

const USUAL_PORTRAIT: Face = {
  centerX: 0.5,
  top: 0.2,
  bottom: 0.78,
  halfWidth: 0.24,
  foundBy: 'usual portrait',
};
const MIN_SHARE = 0.04;
const MAX_SHARE = 0.7;
/** Ears count as skin: of the widest row so much is face. */
const FACE_OF_WIDEST = 0.88;
/** Hairline to chin, in half widths of the face. */
const LENGTH_PER_HALF_WIDTH = 2.8;
/** The first row so wide is forehead below the hair. */
const HAIRLINE_OF_WIDEST = 0.4;
/** A neck is narrower than so much of the widest row; where it widens by a fifth, the shoulders begin. */
const NECK_OF_WIDEST = 0.75;
const SHOULDERS_OF_NECK = 1.2;
const MIN_WIDTH = 0.1;

/**
 * Estimates where the face is by the largest patch of skin colour (any skin: chroma, not lightness). No face detector: good enough
 * to outline a region in a portrait, and where the patch cannot be a face, the usual place of one is taken.
 */
export function findFace(pixels: Pixels): Face {
  const { width, height } = pixels;
  const patch = largestPatch(skinMask(pixels), width, height);
  const share = patch.length / (width * height);
  if (share < MIN_SHARE || share > MAX_SHARE) return USUAL_PORTRAIT;
  const spans = spansOf(patch, width, height);
  const widest = widestAboveNeck(spans);
  const limit = spans[widest]?.width ?? 0;
  const top = spans.findIndex((span) => span.width >= limit * HAIRLINE_OF_WIDEST);
  const halfWidth = (limit * FACE_OF_WIDEST) / 2;
  const bottom = top + LENGTH_PER_HALF_WIDTH * halfWidth;
  return {
    centerX: (spans[widest]?.center ?? 0) / width,
    top: top / height,
    bottom: bottom / height,
    halfWidth: halfWidth / width,
    foundBy: 'skin colour',
  };
}

interface Span {
  center: number;
  width: number;
}

/** How far the patch reaches in each row. */
function spansOf(patch: readonly number[], width: number, height: number): Span[] {
  const left = Array<number>(height).fill(width);
  const right = Array<number>(height).fill(-1);
  for (const at of patch) {
    const row = Math.floor(at / width);
    left[row] = Math.min(left[row] ?? 0, at % width);
    right[row] = Math.max(right[row] ?? 0, at % width);
  }
  return left.map((from, row) => {
    const to = right[row] ?? -1;
    return to < from ? { center: 0, width: 0 } : { center: (from + to) / 2, width: to - from + 1 };
  });
}

/** The widest row of the face: bare shoulders below the neck are wider than any face. */
function widestAboveNeck(spans: readonly Span[]): number {
  const widthAt = (row: number): number => spans[row]?.width ?? 0;
  let widest = 0;
  let narrowest = 0;
  const hasNeck = (): boolean => widthAt(narrowest) < widthAt(widest) * NECK_OF_WIDEST;
  for (const [row, { width }] of spans.entries()) {
    const isFace = widthAt(widest) > spans.length * MIN_WIDTH;
    if (isFace && (width === 0 || (hasNeck() && width > widthAt(narrowest) * SHOULDERS_OF_NECK))) break;
    if (width > widthAt(widest)) widest = narrowest = row;
    else if (isFace && width < widthAt(narrowest)) narrowest = row;
  }
  return widest;
}

function skinMask({ data }: Pixels): Uint8Array {
  const mask = new Uint8Array(data.length / 3);
  for (let at = 0; at < mask.length; at++) {
    const [red = 0, green = 0, blue = 0] = [data[at * 3], data[at * 3 + 1], data[at * 3 + 2]];
    const cb = 128 - 0.169 * red - 0.331 * green + 0.5 * blue;
    const cr = 128 + 0.5 * red - 0.419 * green - 0.081 * blue;
    if (cb > 77 && cb < 127 && cr > 139 && cr < 175 && red > 60) mask[at] = 1;
  }
  return mask;
}

/** Places of the largest patch whose pixels touch each other; the mask is used up. */
function largestPatch(mask: Uint8Array, width: number, height: number): number[] {
  let largest: number[] = [];
  for (let start = 0; start < mask.length; start++) {
    if (mask[start] !== 1) continue;
    const patch = [start];
    mask[start] = 0;
    for (let next = 0; next < patch.length; next++) {
      const at = patch[next] ?? 0;
      const column = at % width;
      const around = [at - width, at + width, column > 0 ? at - 1 : -1, column < width - 1 ? at + 1 : -1];
      for (const other of around) {
        if (other < 0 || other >= width * height || mask[other] !== 1) continue;
        mask[other] = 0;
        patch.push(other);
      }
    }
    if (patch.length > largest.length) largest = patch;
  }
  return largest;
}
