import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Builds what is published: JavaScript and types of src, and the docs page's bundle, which has no other home there. */
const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

rmSync(join(root, 'dist'), { recursive: true, force: true });
execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });

const page = join(dirname(require.resolve('@scalar/api-reference/package.json')), 'dist/browser/standalone.js');
mkdirSync(join(root, 'dist/api/docs'), { recursive: true });
copyFileSync(page, join(root, 'dist/api/docs/standalone.js'));
