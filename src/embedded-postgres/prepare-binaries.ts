import {
  access,
  chmod,
  constants,
  cp,
  mkdir,
  mkdtemp,
  open,
  readdir,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from './error.ts';
import type { Account } from './find-account.ts';
import type { BinariesPackage } from './find-binaries.ts';
import { linkLibraries } from './link-libraries.ts';
import { allows, canReach, enter, read } from './permissions.ts';

/** The `native` folder to run from: the package's own, or a copy where Postgres can use it. */
export async function prepareBinaries(
  found: BinariesPackage,
  { account, shelf }: { account: Account | undefined; shelf: string },
): Promise<string> {
  if ((await canRun(found.root, account)) && (await linkLibraries(found.root))) {
    return join(found.root, 'native');
  }
  const copy = join(shelf, `binaries-${found.version}-${process.platform}-${process.arch}`);
  if (!(await exists(copy))) await copyBinaries(found.root, { shelf, copy });
  return join(copy, 'native');
}

async function canRun(root: string, account: Account | undefined): Promise<boolean> {
  if (!account) return true;
  const native = join(root, 'native');
  if (!(await canReach(join(native, 'bin'), account))) return false;
  for (const path of ['bin/initdb', 'bin/postgres', 'lib', 'share/postgresql']) {
    if (!allows(await stat(join(native, path)), account, read | enter)) return false;
  }
  return allows(await stat(join(native, 'share/postgresql/postgres.bki')), account, read);
}

/** Copies beside and renames, so that of two at once one wins and nobody sees half a copy. */
async function copyBinaries(root: string, { shelf, copy }: { shelf: string; copy: string }): Promise<void> {
  if ((await mkdir(shelf, { recursive: true })) !== undefined) await chmod(shelf, 0o755);
  const partial = await mkdtemp(`${copy}.partial-`);
  try {
    await cp(join(root, 'native'), join(partial, 'native'), { recursive: true, verbatimSymlinks: true });
    await publish(partial);
    await linkLibraries(partial);
    await rename(partial, copy);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(codeOf(error) ?? '') || !(await exists(copy))) throw error;
  }
}

/**
 * A package unpacked under umask 077 is readable by its owner alone; the copy is public. And on disk
 * before it gets its name, or a power cut could leave a copy of empty files that is never made again.
 */
async function publish(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  const entries = await readdir(folder, { withFileTypes: true });
  await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) await publish(path);
      if (entry.isFile()) await publishFile(path);
    }),
  );
}

async function publishFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.chmod((await file.stat()).mode & 0o100 ? 0o755 : 0o644);
    await file.sync();
  } finally {
    await file.close();
  }
}

function exists(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}
