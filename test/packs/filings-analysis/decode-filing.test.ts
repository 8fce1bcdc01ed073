import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decodeFiling } from '../../../packs/filings/analysis/decode-filing.ts';
import { extractItem1A } from '../../../packs/filings/analysis/extract-item-1a.ts';
import { IntegrationError } from '../../../packs/filings/analysis/integration-error.ts';
import { lawsuitRisk, supplyRisk } from './filing.ts';

test('bytes are UTF-8 where they can be, else Windows-1252', () => {
  expect(decodeFiling(Buffer.from('Pump’s “é”'))).toBe('Pump’s “é”');
  expect(decodeFiling(Uint8Array.from([0x50, 0x92, 0x93, 0xe9, 0x94]))).toBe('P’“é”');
  expect(decodeFiling(Buffer.from('\uFEFFtext'))).toBe('text');
});

test.each<[string, string | Uint8Array]>([
  ['nothing', ''],
  ['white space', ' \n\t '],
  ['no bytes', new Uint8Array()],
  ['a PDF', `%PDF-1.7 ${supplyRisk}`],
  ['a zip', `PK\u0003\u0004${supplyRisk}`],
  ['gzipped HTML', gzipSync(`<p>${supplyRisk} ${lawsuitRisk}</p>`)],
  ['UTF-16', Buffer.from(`<p>${supplyRisk}</p>`, 'utf16le')],
])('%s is an integrity error', (_, source) => {
  expect(() => decodeFiling(source)).toThrow(IntegrationError);
});

test.each([
  ['tags only', '<html><body><p></p></body></html>'],
  ['a few words', '<p>Page not found. Please try again later.</p>'],
  ['only hidden words', `<div style="display:none">${supplyRisk}</div>`],
  ['one endless word', 'x'.repeat(100_000)],
  ['base64', Buffer.from(supplyRisk.repeat(20)).toString('base64')],
])('%s cannot be read as a filing', (_, html) => {
  expect(() => extractItem1A(html)).toThrow(IntegrationError);
});
