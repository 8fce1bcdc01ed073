import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Builds what is published: JavaScript and types of src, and the docs page's bundle, which has no other home there. */
const root = fileURLToPath(new URL('..', import.meta.url));

rmSync(join(root, 'dist'), { recursive: true, force: true });
execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});

const page = join(root, 'node_modules/@scalar/api-reference/dist/browser/standalone.js');
mkdirSync(join(root, 'dist/api/docs'), { recursive: true });
copyFileSync(page, join(root, 'dist/api/docs/standalone.js'));
