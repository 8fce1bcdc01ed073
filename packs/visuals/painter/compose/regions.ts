import type { BodyRegion } from '../../schema/index.ts';
import type { Face } from './find-face.ts';

/** What is done inside a region, most in its middle and nothing at its rim. */
export interface Change {
  /** Above 1 things grow, below they shrink. */
  scaleX?: number;
  scaleY?: number;
  /** Moves things outward from the middle of the face, and down; in shares of the region's radius. */
  shiftX?: number;
  shiftY?: number;
  /** From 0 to 1: how much of the fine texture goes. */
  smooth?: number;
  /** Lighter by so many of 255 levels. */
  lighten?: number;
  /** Redder by so many of 255 levels. */
  redden?: number;
}

/**
 * In units of the face: `x` from -1 to 1 between its sides, `y` from 0 at the hairline to 1 at the chin.
 * `paired` regions are on both sides.
 */
interface Region {
  x: number;
  y: number;
  radiusX: number;
  radiusY: number;
  paired?: boolean;
  change: Change;
}

const REGIONS: Record<BodyRegion, Region> = {
  nose: { x: 0, y: 0.56, radiusX: 0.44, radiusY: 0.2, change: { scaleX: 0.8, smooth: 0.25 } },
  eyes: {
    x: 0.48,
    y: 0.4,
    radiusX: 0.34,
    radiusY: 0.1,
    paired: true,
    change: { scaleY: 1.22, smooth: 0.35 },
  },
  brow: { x: 0, y: 0.25, radiusX: 0.9, radiusY: 0.16, change: { shiftY: -0.22, smooth: 0.6, lighten: 4 } },
  lips: { x: 0, y: 0.81, radiusX: 0.5, radiusY: 0.11, change: { scaleX: 1.08, scaleY: 1.32, redden: 8 } },
  chin: { x: 0, y: 0.91, radiusX: 0.5, radiusY: 0.13, change: { scaleX: 1.06, shiftY: 0.14 } },
  cheeks: {
    x: 0.6,
    y: 0.6,
    radiusX: 0.32,
    radiusY: 0.15,
    paired: true,
    change: { scaleX: 1.1, scaleY: 1.1, lighten: 10, redden: 5 },
  },
  lower_face: {
    x: 0,
    y: 0.74,
    radiusX: 0.86,
    radiusY: 0.24,
    change: { scaleX: 0.94, smooth: 0.75, lighten: 3 },
  },
  jaw: {
    x: 0.68,
    y: 0.8,
    radiusX: 0.34,
    radiusY: 0.17,
    paired: true,
    change: { shiftX: -0.16, smooth: 0.2 },
  },
  neck: { x: 0, y: 1.05, radiusX: 0.66, radiusY: 0.1, change: { scaleX: 0.93, smooth: 0.8, lighten: 5 } },
  ears: {
    x: 1.06,
    y: 0.5,
    radiusX: 0.26,
    radiusY: 0.17,
    paired: true,
    change: { shiftX: -0.2, scaleX: 0.86 },
  },
  hairline: { x: 0, y: 0.04, radiusX: 0.86, radiusY: 0.16, change: { shiftY: 0.3 } },
  face: { x: 0, y: 0.52, radiusX: 1, radiusY: 0.54, change: { smooth: 0.85, lighten: 4 } },
};

/** An ellipse in pixels. */
export interface Spot {
  centerX: number;
  centerY: number;
  radiusX: number;
  radiusY: number;
  change: Change;
}

/** Where in a picture of this size a procedure changes something, and what. */
export function placeRegion(name: BodyRegion, face: Face, size: { width: number; height: number }): Spot[] {
  const { x, y, radiusX, radiusY, paired = false, change } = REGIONS[name];
  const unitX = face.halfWidth * size.width;
  const unitY = (face.bottom - face.top) * size.height;
  return (paired ? [-1, 1] : [1]).map((side) => ({
    centerX: face.centerX * size.width + side * x * unitX,
    centerY: face.top * size.height + y * unitY,
    radiusX: radiusX * unitX,
    radiusY: radiusY * unitY,
    change: { ...change, shiftX: side * (change.shiftX ?? 0) },
  }));
}
