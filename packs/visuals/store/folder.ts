import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { contentTypeOf, isArtefactKey, type ArtefactStore } from './artefact-store.ts';
import { keyOf } from './key-of.ts';

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
      await mkdir(join(path, '..'), { recursive: true });
      await writeWhole(path, bytes);
      return key;
    },
    async get(key) {
      const contentType = contentTypeOf(key);
      const bytes = await orUndefined(readFile(pathOf(key)));
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
    const file = await open(part, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function orUndefined<Value>(reading: Promise<Value>): Promise<Value | undefined> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
