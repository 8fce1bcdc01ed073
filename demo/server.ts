import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomBytes } from 'node:crypto';

const BIN = fileURLToPath(new URL('../bin/lovage.js', import.meta.url));
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const READY_MS = 60_000;

export interface DemoServer extends AsyncDisposable {
  key: string;
  /** Its URL, once it answers. */
  whenReady: () => Promise<string>;
  /** Rejects with what it said when it ends by itself. */
  gone: Promise<never>;
}

/**
 * Starts `lovage dev` with a Postgres of its own: in `LOVAGE_DATA_DIR`, or in a folder that is gone afterwards; on `PORT`, or
 * on a port that is free. Nothing is waited for, so that there is no moment in which it could not be ended.
 */
export function startServer(): DemoServer {
  const given = process.env['LOVAGE_DATA_DIR'];
  const folder = given || mkdtempSync(join(tmpdir(), 'lovage-demo-'));
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
  const said = listenTo(child);
  const gone = failWhenGone(child, said);
  return {
    key,
    gone,
    whenReady: () => whenReady(said),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit');
        child.kill('SIGTERM');
        await exited;
      }
      if (!given) await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Said {
  text: string;
  /** Once it has said where it listens. */
  url: Promise<string>;
}

function listenTo(child: ChildProcess): Said {
  const { promise: url, resolve } = Promise.withResolvers<string>();
  const said: Said = { text: '', url };
  const hear = (chunk: Buffer) => {
    said.text += chunk.toString();
    const found = /(http:\/\/[^\s/]+)\/v1/.exec(said.text)?.[1];
    if (found !== undefined) resolve(found);
  };
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  return said;
}

async function failWhenGone(child: ChildProcess, said: Said): Promise<never> {
  await once(child, 'close');
  throw new Error(`lovage dev has ended:\n${said.text}`);
}

function whenReady({ url }: Said): Promise<string> {
  const tooLate = new Promise<never>((_resolve, reject) => {
    setTimeout(
      () => reject(new Error(`lovage dev was not ready after ${READY_MS / 1000} s`)),
      READY_MS,
    ).unref();
  });
  return Promise.race([url, tooLate]);
}
