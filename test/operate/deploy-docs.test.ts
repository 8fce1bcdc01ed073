import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const textOf = (page: string) => readFile(join(root, page), 'utf8');

/** The blocks of TypeScript, each with the file that its first line names. */
const blocksOf = (text: string) =>
  [...text.matchAll(/^```ts\n\/\/ (\S+)\n(.*?)^```$/gms)].map(([, file = '', code = '']) => ({ file, code }));

/** Writes the files into a folder, of each name the last. */
async function write(folder: string, blocks: ReturnType<typeof blocksOf>): Promise<void> {
  for (const { file, code } of blocks) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), code);
  }
}

test('every block of TypeScript in docs/migrate-from-celery.md compiles, step by step', async () => {
  const text = await textOf('docs/migrate-from-celery.md');
  const blocks = blocksOf(text);
  expect(blocks).toHaveLength([...text.matchAll(/^```ts$/gm)].length);
  const folder = await mkdtemp(join(tmpdir(), 'lovage-docs-'));
  try {
    const first = blocks.findIndex(({ file }) => file === 'lovage.config.ts');
    await write(join(folder, 'first'), blocks.slice(0, first + 1));
    await write(join(folder, 'last'), blocks);
    const wrong =
      "import { closeMonth } from './tasks/close-month.ts';\n// @ts-expect-error: types are there\ncloseMonth.nmae;\n";
    await writeFile(join(folder, 'last/wrong.ts'), wrong);
    await writeFile(join(folder, 'package.json'), '{"type": "module"}');
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    const { compilerOptions } = JSON.parse(await textOf('tsconfig.json')) as { compilerOptions: object };
    const paths = {
      lovage: [join(root, 'src/index.ts')],
      'lovage/client': [join(root, 'src/client/index.ts')],
    };
    const config = { compilerOptions: { ...compilerOptions, paths }, include: ['first', 'last'] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const found = await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', folder]).catch(
      (error: { stdout: string }) => error,
    );
    expect(found.stdout).toBe('');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('what docs/deploy.md names is there', async () => {
  const text = await textOf('docs/deploy.md');
  const files = [
    ...text.matchAll(/\b(?:deploy|test)\/[\w./@-]+\.(?:ts|yaml|service)\b/g),
    ...text.matchAll(/\.\.\/(deploy\/[\w./-]+)/g),
  ];
  expect(files.length).toBeGreaterThan(4);
  const all = new Set<string>();
  for (const top of ['deploy', 'test'])
    for (const name of await readdir(join(root, top), { recursive: true })) all.add(`${top}/${name}`);
  for (const [whole, part] of files) expect([...all], whole).toContain(part ?? whole);
});
