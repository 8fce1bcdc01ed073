import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const page = readFileSync('CONTRIBUTING.md', 'utf8');

test('every file that CONTRIBUTING.md names is there', () => {
  const named = [...page.matchAll(/`((?:src|test|tools|drizzle|docs)\/[\w./-]+)`/g)].map(
    ([, path = '']) => path,
  );
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter((path) => !existsSync(path))).toEqual([]);
});

test('every SQL function is named with the migration that last replaced it', () => {
  const named = page.split('\n').flatMap((line) => {
    const [, file] = /`(drizzle\/\d+_\w+\.sql)`/.exec(line) ?? [];
    return file === undefined
      ? []
      : [...line.matchAll(/`lovage\.(\w+)\(\)`/g)].map(([, name]) => [name, file]);
  });
  expect(named.length).toBeGreaterThan(10);
  const migrations = globSync('drizzle/*.sql').toSorted();
  const lastOf = (name = '') =>
    migrations.findLast((file) => readFileSync(file, 'utf8').includes(`FUNCTION lovage.${name}(`));
  expect(named.map(([name]) => [name, lastOf(name)])).toEqual(named);
});

test('every folder of src is in the picture of the floors', () => {
  const [, picture = ''] = /## The floors[^]*?```\n([^]*?)```/.exec(page) ?? [];
  const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const missing = folders.filter(({ name }) => name !== 'client' && !picture.includes(`${name}/`));
  expect(missing.map(({ name }) => name)).toEqual([]);
});
