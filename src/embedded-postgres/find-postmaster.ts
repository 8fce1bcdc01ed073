import { readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from './error.ts';

export interface Postmaster {
  pid: number;
  port: number;
  isReady: boolean;
}

/** The running server of this cluster, whether it serves already or still. */
export async function findPostmaster(cluster: string): Promise<Postmaster | undefined> {
  const written = await readPidFile(cluster);
  if (!written || !(await isPostmasterOf(cluster, written.pid))) return undefined;
  return written;
}

/** What postmaster.pid says, true or left over. */
export async function readPidFile(cluster: string): Promise<Postmaster | undefined> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return '';
    throw error;
  });
  const [pid, , , port, , , , status] = text.split('\n').map((line) => line.trim());
  return Number(pid) > 0 ? { pid: Number(pid), port: Number(port), isReady: status === 'ready' } : undefined;
}

/** After a reboot or in a new container the pid may be anybody's; a zombie's folder cannot be read. */
export async function isPostmasterOf(cluster: string, pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  if (process.platform !== 'linux') return true;
  return readlink(`/proc/${pid}/cwd`).then(
    (folder) => folder === cluster,
    () => false,
  );
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
