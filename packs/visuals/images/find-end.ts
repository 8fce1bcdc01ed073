import type { ImageFormat } from './recognize.ts';

/** Where the image ends; what follows is none of it. Undefined where it breaks off before. */
export function findEnd(bytes: Buffer, format: ImageFormat): number | undefined {
  const end = { JPEG: endOfJpeg, PNG: endOfPng, WEBP: endOfWebp }[format](bytes);
  return end !== undefined && end <= bytes.length ? end : undefined;
}

/** The names of the chunks before its end. */
export function* pngChunks(bytes: Buffer): Generator<{ name: string; end: number }> {
  let at = 8;
  while (at + 12 <= bytes.length) {
    const end = at + 12 + bytes.readUInt32BE(at);
    yield { name: bytes.toString('latin1', at + 4, at + 8), end };
    at = end;
  }
}

function endOfPng(bytes: Buffer): number | undefined {
  for (const { name, end } of pngChunks(bytes)) if (name === 'IEND') return end;
  return undefined;
}

function endOfWebp(bytes: Buffer): number | undefined {
  if (bytes.length < 12) return undefined;
  const size = bytes.readUInt32LE(4) + 8;
  return size + (size % 2);
}

const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;
const TEM = 0x01;

function endOfJpeg(bytes: Buffer): number | undefined {
  let at = 2;
  while (at + 2 <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) at += 1;
    else if (marker === END_OF_IMAGE) return at + 2;
    else if (marker === TEM || isRestart(marker)) at += 2;
    else {
      if (at + 4 > bytes.length) return undefined;
      at += 2 + bytes.readUInt16BE(at + 2);
      if (marker === START_OF_SCAN) at = endOfScan(bytes, at);
    }
  }
  return undefined;
}

/** Within a scan, 0xFF stands before a zero or a restart; before anything else it is the next marker. */
function endOfScan(bytes: Buffer, start: number): number {
  for (let at = bytes.indexOf(0xff, start); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1];
    if (next !== 0 && next !== 0xff && !isRestart(next ?? 0)) return at;
  }
  return bytes.length;
}

const isRestart = (marker: number): boolean => marker >= 0xd0 && marker <= 0xd7;
