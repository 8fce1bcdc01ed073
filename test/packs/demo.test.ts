import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const DEMO = fileURLToPath(new URL('../../demo/run.ts', import.meta.url));

/** A terminal and npm each tell it of one Ctrl-C. */
test('a Ctrl-C while the demo starts leaves neither a process nor a folder', async () => {
  const temporary = await mkdtemp(join(tmpdir(), 'lovage-demo-test-'));
  try {
    const demo = spawn(process.execPath, ['--conditions=lovage-source', DEMO], {
      env: { ...process.env, TMPDIR: temporary, PORT: '', LOVAGE_DATA_DIR: '' },
      stdio: 'ignore',
    });
    const ended = once(demo, 'exit');
    await expect
      .poll(() => readdir(temporary, { recursive: true }), { timeout: 30_000 })
      .toContainEqual(expect.stringMatching(/postmaster\.pid$/));
    demo.kill('SIGINT');
    demo.kill('SIGINT');

    expect(await ended).toEqual([130, null]);
    expect(await readdir(temporary)).not.toContainEqual(expect.stringMatching(/^lovage-demo-/));
    expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(temporary);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
});
