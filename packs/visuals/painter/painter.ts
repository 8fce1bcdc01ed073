import type { BodyRegion } from '../schema/index.ts';
import type { ContentType } from '../store/artefact-store.ts';

/** Makes a preview of a procedure from a photo. */
export interface Painter {
  /** @throws Discard where it will not paint this; ServiceError where a service fails. */
  paint: (request: PaintRequest) => Promise<Painting>;
}

export interface PaintRequest {
  /** Upright, as it was uploaded. */
  photo: Buffer;
  procedure: { name: string; bodyRegion: BodyRegion };
  prompt: string;
  signal: AbortSignal;
}

export interface Painting {
  after: { bytes: Buffer; contentType: Extract<ContentType, `image/${string}`> };
  /** Both beside each other, where it makes such a sheet. */
  sheet?: Buffer;
  /** Which model painted; `compose` where none did. */
  model: string;
  /** What the model says of how well it fits; 0 where nothing does. */
  confidence: number;
  details: Record<string, string | number | boolean>;
}
