import { IntegrationError } from './integration-error.ts';

const sampleLength = 200_000;
const maxControlShare = 0.005;
const minWords = 20;

/** UTF-8 where the bytes are valid UTF-8, else Windows-1252, which is how most filings before 2010 were written. */
export function decodeFiling(source: string | Uint8Array): string {
  const html = typeof source === 'string' ? source.replace(/^\uFEFF/, '') : decodeBytes(source);
  if (html.trim() === '') throw new IntegrationError('the filing is empty');
  if (looksBinary(html)) throw new IntegrationError('the filing is binary data, not HTML');
  return html;
}

/** Refuses text in which nobody could read a sentence. */
export function requireReadable(text: string): void {
  let words = 0;
  for (const _ of text.matchAll(/(?<=^|[\s(“"])\p{L}{2,30}(?=[\s.,;:!?)]|$)/gu)) {
    words += 1;
    if (words >= minWords) return;
  }
  throw new IntegrationError(
    `the filing has no readable text: ${words} words, at least ${minWords} are needed`,
  );
}

function decodeBytes(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

/** Windows-1252 decodes any bytes, so garbage shows only in the control characters that prose never holds. */
function looksBinary(html: string): boolean {
  if (html.startsWith('%PDF-') || html.startsWith('PK\u0003\u0004')) return true;
  const sample = html.slice(0, sampleLength);
  const controls = sample.match(/[^\P{Cc}\s]|\uFFFD/gu)?.length ?? 0;
  return controls / sample.length > maxControlShare;
}
