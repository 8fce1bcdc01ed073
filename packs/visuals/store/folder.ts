import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { contentTypeOf, isArtefactKey, type ArtefactStore } from './artefact-store.ts';
import { keyOf } from './key-of.ts';
import { storeError } from './store-error.ts';

/** Files in folders by the first two digits of their keys; those being written have other names. */
export function openFolderStore(folder: string): ArtefactStore {
  const pathOf = (key: string): string => {
    contentTypeOf(key);
    return join(folder, key.slice(0, 2), key);
  };
  return {
    async put(bytes, contentType) {
      const key = keyOf(bytes, contentType);
      const path = pathOf(key);
      await writeWhole(path, bytes).catch(failWith('cannot be written to'));
      return key;
    },
    async get(key) {
      const contentType = contentTypeOf(key);
      const bytes = await orUndefined(readFile(pathOf(key))).catch(failWith('cannot be read'));
      return bytes && { bytes, contentType };
    },
    async remove(key) {
      await rm(pathOf(key), { force: true });
    },
    async *listOlderThan(time) {
      for (const name of (await orUndefined(readdir(folder, { recursive: true }))) ?? []) {
        const found = await orUndefined(stat(join(folder, name)));
        if (!found?.isFile() || found.mtime >= time) continue;
        const key = basename(name);
        if (isArtefactKey(key)) yield key;
        else if (name.endsWith('.part')) await rm(join(folder, name), { force: true });
      }
    },
  };
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.${randomUUID()}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(part, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true }).catch(() => {});
    throw error;
  }
}

function failWith(message: string) {
  return (cause: unknown): never => {
    throw storeError(message, { cause });
  };
}

async function orUndefined<Value>(reading: Promise<Value>): Promise<Value | undefined> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
