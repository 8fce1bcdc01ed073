import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { readSettings } from '../../src/settings/settings.ts';
import { AFTER_DRAIN_S } from './after-drain.ts';

const folder = new URL('../../deploy/systemd/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.service'));
const textOf = (name: string) => readFileSync(new URL(name, folder), 'utf8');
/** The last one counts. */
const valueOf = (name: string, key: string) =>
  textOf(name)
    .split('\n')
    .findLast((line) => line.startsWith(`${key}=`))
    ?.slice(key.length + 1);

const hasSystemd = (() => {
  try {
    return execFileSync('systemd-analyze', ['--version'], { encoding: 'utf8' }).startsWith('systemd');
  } catch {
    console.warn('systemd-analyze is not installed: the units are not verified');
    return false;
  }
})();

/** As they are, but for the place of Node, which has to exist. */
function install(): string[] {
  const place = mkdtempSync(join(tmpdir(), 'lovage-units-'));
  return files.map((name) => {
    const path = join(place, name.replace('@.', '@1.'));
    writeFileSync(
      name.includes('@') ? join(place, name) : path,
      textOf(name).replaceAll('/usr/bin/node', process.execPath),
    );
    return path;
  });
}

test.skipIf(!hasSystemd)('systemd finds nothing wrong with the units, and they expose little', async () => {
  const run = promisify(execFile);
  const units = install();
  const { stdout, stderr } = await run('systemd-analyze', ['verify', ...units]);
  // Of the machine's own units it may complain as well.
  expect(`${stdout}${stderr}`.split('\n').filter((line) => line.includes('lovage'))).toEqual([]);
  for (const unit of units.filter((path) => !path.includes('@'))) {
    await run('systemd-analyze', ['security', '--offline=true', '--threshold=20', unit]);
  }
});

test('a worker and the API get SIGTERM alone, and the time that they need', () => {
  for (const name of ['lovage-worker@.service', 'lovage-api.service'])
    expect([valueOf(name, 'KillMode'), valueOf(name, 'KillSignal')], name).toEqual(['mixed', 'SIGTERM']);
  const drainS = readSettings({}).drainMs / 1_000;
  expect(Number(valueOf('lovage-worker@.service', 'TimeoutStopSec'))).toBeGreaterThanOrEqual(
    drainS + AFTER_DRAIN_S,
  );
  expect(Number(valueOf('lovage-api.service', 'TimeoutStopSec'))).toBeGreaterThan(10);
});

test('every unit starts until it can, as nobody in particular, with no rights and no secret in its file', () => {
  expect(files).toHaveLength(3);
  for (const name of files) {
    expect(valueOf(name, 'StartLimitIntervalSec'), name).toBe('0');
    expect(valueOf(name, 'DynamicUser'), name).toBe('yes');
    expect(valueOf(name, 'ProtectSystem'), name).toBe('strict');
    expect(valueOf(name, 'NoNewPrivileges'), name).toBe('yes');
    expect(valueOf(name, 'CapabilityBoundingSet'), name).toBe('');
    // V8 could not compile.
    expect(valueOf(name, 'MemoryDenyWriteExecute'), name).toBeUndefined();
    expect(textOf(name)).not.toMatch(/^Environment=.*(postgres:|_KEY|_SECRET)/m);
  }
});
