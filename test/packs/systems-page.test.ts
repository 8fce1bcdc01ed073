import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url).pathname;
const page = readFileSync(join(root, 'docs/systems.md'), 'utf8');
const rows = page
  .slice(page.indexOf('## What was promised'))
  .split('\n')
  .filter((line) => line.startsWith('|') && line.includes('"'));

const read = (path: string): string => {
  const file = join(root, path);
  if (!statSync(file).isDirectory()) return readFileSync(file, 'utf8');
  return readdirSync(file, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(file, name), 'utf8'))
    .join('\n');
};
const tests = read('test');
const bench = read('bench');

/** `cards/contract: "a note is posted, …"`: the parts of a name that the page spells out. */
const quotes = rows.flatMap((row) =>
  [...row.matchAll(/"([^"]+)"/g)].map(([, quote = '']) => quote.split('…').map((part) => part.trim())),
);

test('every test that the page of the systems names is there', () => {
  const missing = quotes.filter(
    (parts) => !parts.every((part) => tests.includes(part) || bench.includes(part)),
  );
  expect(missing).toEqual([]);
  expect(quotes.length).toBeGreaterThan(40);
});

test('every file that the page of the systems names is there', () => {
  const files = rows.flatMap((row) => [
    ...row.matchAll(/\b((?:test|cards|retros|visuals|filings)\/[\w/-]+)/g),
  ]);
  const missing = files
    .map(([, name = '']) => (name.startsWith('test/') ? name : `test/packs/${name}`))
    .filter((name) => !['.test.ts', ''].some((end) => exists(`${name}${end}`)));
  expect(missing).toEqual([]);
});

function exists(path: string): boolean {
  try {
    return statSync(join(root, path)).isFile() || statSync(join(root, path)).isDirectory();
  } catch {
    return false;
  }
}
