import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Makes what the packs import a dependency that `npm ci --omit=dev` installs, at the version that the lockfile has.
 * For a copy of the checkout, such as an image is made of.
 */
interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

const root = new URL('../../', import.meta.url);
const file = new URL('package.json', root);
const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
const packs = fileURLToPath(new URL('packs', root));
const sources = readdirSync(packs, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('drizzle.config.ts'))
  .map((name) => readFileSync(`${packs}/${name}`, 'utf8'))
  .join('\n');

const imported = Object.keys(manifest.devDependencies).filter((name) =>
  ["'", '/'].some((end) => sources.includes(`'${name}${end}`)),
);
for (const name of imported) {
  manifest.dependencies[name] = manifest.devDependencies[name] ?? '';
  delete manifest.devDependencies[name];
}
writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
console.log(`kept for the packs: ${imported.join(', ')}`);
