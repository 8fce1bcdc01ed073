import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { forbidden } from '../tools/floor-rules.ts';
import { inspectFloors } from '../tools/floors.ts';

test('no import in the house goes up', async () => {
  const { files, violations } = await inspectFloors(['src', 'packs']);
  expect(files).toBeGreaterThan(100);
  expect(violations).toEqual([]);
});

test('every folder and file at the top of src stands on a floor', async () => {
  const isFloor = (name = '') => /-down$|-ground$|^client-/.test(name);
  const floors = forbidden.flatMap(({ name, from }) => (isFloor(name) ? [String(from.path)] : []));
  const top = await readdir('src', { withFileTypes: true });
  const rooms = top.map((entry) => `src/${entry.name}${entry.isDirectory() ? '/' : ''}`);
  const isOn = (room: string) => floors.some((path) => new RegExp(path).test(room));
  // Nothing is above these.
  expect(rooms.filter((room) => !isOn(room))).toEqual(['src/cli/', 'src/testing/']);
});

test.each([
  ['db may not reach a verb', 'src/db/a.ts', '../tasks/b.ts', 'db-goes-down'],
  ['a verb may not reach the api', 'src/tasks/a.ts', '../api/b.ts', 'verbs-go-down'],
  ['the worker may not reach the api', 'src/worker/a.ts', '../api/b.ts', 'worker-goes-down'],
  ['the api may not reach the command line', 'src/api/a.ts', '../cli/b.ts', 'api-goes-down'],
  ['a pack uses the public entry only', 'packs/p/a.ts', '../../src/db/b.ts', 'packs-use-the-public-entry'],
  ['a leaf may not reach the database', 'src/vault.ts', './db/b.ts', 'leaves-stand-on-the-ground'],
  ['type imports count too', 'src/queue/a.ts', '../worker/b.ts', 'queue-goes-down'],
])('%s', async (_fact, from, to, rule) => {
  const house = await mkdtemp(join(tmpdir(), 'lovage-floors-'));
  try {
    await write(join(house, from), `import type { B } from '${to}';\nexport type A = B;\n`);
    await write(join(house, dirname(from), to), 'export type B = 1;\n');
    const { violations } = await inspectFloors(
      ['src', 'packs'].filter((root) => from.startsWith(root) || root === 'src'),
      house,
    );
    expect(violations.map((violation) => violation.split(':')[0])).toContain(rule);
  } finally {
    await rm(house, { recursive: true });
  }
});

test('an inspection that sees no files says so', async () => {
  const house = await mkdtemp(join(tmpdir(), 'lovage-floors-'));
  try {
    await mkdir(join(house, 'src'));
    expect(await inspectFloors(['src'], house)).toEqual({ files: 0, violations: [] });
  } finally {
    await rm(house, { recursive: true });
  }
});

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
