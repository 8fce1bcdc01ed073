import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomBytes } from 'node:crypto';

const BIN = fileURLToPath(new URL('../bin/lovage.js', import.meta.url));
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const READY_MS = 60_000;

export interface DemoServer extends AsyncDisposable {
  url: string;
  key: string;
}

/**
 * Starts `lovage dev` with a Postgres of its own: in `LOVAGE_DATA_DIR`, or in a folder that is gone afterwards; on `PORT`, or
 * on a port that is free. @throws with what it said, when it does not become ready.
 */
export async function startServer(): Promise<DemoServer> {
  const given = process.env['LOVAGE_DATA_DIR'];
  const folder = given || (await mkdtemp(join(tmpdir(), 'lovage-demo-')));
  const key = randomBytes(24).toString('base64url');
  const child = spawn(process.execPath, ['--conditions=lovage-source', BIN, 'dev'], {
    cwd: ROOT,
    env: {
      ...process.env,
      DATABASE_URL: '',
      LOVAGE_DIRECT_URL: '',
      LOVAGE_DATA_DIR: folder,
      LOVAGE_API_KEY: key,
      LOVAGE_LOG_LEVEL: process.env['LOVAGE_LOG_LEVEL'] || 'warn',
      PORT: process.env['PORT'] || '0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A Ctrl-C is for the demo, which then ends what it started.
    detached: true,
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }
    if (!given) await rm(folder, { recursive: true, force: true });
  };
  try {
    return { url: await whenReady(child), key, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function whenReady(child: ChildProcess): Promise<string> {
  let said = '';
  const ready = new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      said += chunk.toString();
      const url = /(http:\/\/[^\s/]+)\/v1/.exec(said)?.[1];
      if (url !== undefined) resolve(url);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', () => reject(new Error(`lovage dev ended before it was ready:\n${said}`)));
    AbortSignal.timeout(READY_MS).addEventListener('abort', () =>
      reject(new Error(`lovage dev was not ready after ${READY_MS / 1000} s:\n${said}`)),
    );
  });
  return ready;
}
