import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Holds the metrics, the alerts and their tests to Prometheus' own tool. Where it is missing it is installed, if that is possible:
 * as root, by apt. Else this says that nothing was checked, and is a success only where nobody insists (CI=1).
 */
export function findPromtool(): string | undefined {
  const { status } = spawnSync('promtool', ['--version'], { stdio: 'ignore' });
  return status === 0 ? 'promtool' : undefined;
}

function installPromtool(): string | undefined {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status !== 0) return undefined;
  console.log('promtool is missing: installing the package prometheus');
  // RUNLEVEL: the server that comes with it is not started.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const options = { env, stdio: ['ignore', 'ignore', 'inherit'] as const };
  const install = ['install', '-y', '--no-install-recommends', 'prometheus'];
  if (spawnSync('apt-get', install, { ...options, stdio: [...options.stdio] }).status !== 0) {
    spawnSync('apt-get', ['update'], { ...options, stdio: [...options.stdio] });
    spawnSync('apt-get', install, { ...options, stdio: [...options.stdio] });
  }
  return findPromtool();
}

function main(): number {
  if ((findPromtool() ?? installPromtool()) === undefined) {
    console.error(
      'NOT CHECKED: promtool is not here and cannot be installed (it takes root and apt, or a PATH that leads to it)',
    );
    return process.env['CI'] ? 1 : 0;
  }
  const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
  const run = [
    'run',
    '--config',
    'vitest.operate.config.ts',
    'test/operate/observed.test.ts',
    'test/operate/metrics.test.ts',
  ];
  const root = fileURLToPath(new URL('..', import.meta.url));
  return spawnSync(process.execPath, [vitest, ...run], { cwd: root, stdio: 'inherit' }).status ?? 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main();
