import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';

/** The file that `path` names below `folder`, which neither the path nor a link may leave; null where there is none. */
export async function locateFiling(folder: string, path: string): Promise<string | null> {
  try {
    const root = await realpath(folder);
    const file = await realpath(resolve(root, path));
    const within = relative(root, file);
    if (isAbsolute(within) || within.split(sep)[0] === '..') return null;
    return (await stat(file)).isFile() ? file : null;
  } catch {
    return null;
  }
}
