export const FORMATS = {
  JPEG: 'image/jpeg',
  PNG: 'image/png',
  WEBP: 'image/webp',
} as const;

export type ImageFormat = keyof typeof FORMATS;

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const JPEG = Buffer.from([0xff, 0xd8, 0xff]);

/** By its first bytes, never by what the sender calls it. */
export function recognizeFormat(bytes: Buffer): ImageFormat | undefined {
  if (startsWith(bytes, JPEG)) return 'JPEG';
  if (startsWith(bytes, PNG)) return 'PNG';
  if (bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP') return 'WEBP';
  return undefined;
}

const startsWith = (bytes: Buffer, signature: Buffer): boolean =>
  bytes.subarray(0, signature.length).equals(signature);
