import { execFile } from 'node:child_process';
import { access, mkdir, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Program {
  path: string;
  /** Where the libraries are that came with it. */
  libraries?: string;
}

/**
 * The machine's own pgbouncer, else Debian's, unpacked into a folder of its own: nothing is installed, and nobody has to be
 * root. Undefined, with the reason on stderr, where neither is to be had.
 */
export async function findPgBouncer(): Promise<Program | undefined> {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']) {
    const path = join(folder, 'pgbouncer');
    if (await exists(path)) return { path };
  }
  try {
    return await unpackDebians();
  } catch (error) {
    console.error(`no pgbouncer here, and apt-get gave none: ${(error as Error).message}`);
    return undefined;
  }
}

async function unpackDebians(): Promise<Program> {
  const folder = join(tmpdir(), 'lovage-pgbouncer');
  const path = join(folder, 'usr/sbin/pgbouncer');
  if (!(await exists(path))) {
    await mkdir(folder, { recursive: true });
    await run('apt-get', ['download', 'pgbouncer', 'libevent-2.1-7', 'libc-ares2'], { cwd: folder });
    const packages = (await readdir(folder)).filter((file) => file.endsWith('.deb'));
    // The program comes last: where it is, all is.
    for (const each of packages.toSorted()) await run('dpkg', ['-x', each, '.'], { cwd: folder });
  }
  const { stdout } = await run('dpkg', ['--print-architecture']);
  const machine = { amd64: 'x86_64', arm64: 'aarch64' }[stdout.trim()] ?? stdout.trim();
  return { path, libraries: join(folder, 'usr/lib', `${machine}-linux-gnu`) };
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
