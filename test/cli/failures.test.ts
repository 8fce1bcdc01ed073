import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLab, type Lab } from '../lab.ts';
import { oneLine, run } from './run.ts';

let lab: Lab;
let folder: string;
let silent: net.Server;
beforeAll(async () => {
  lab = await openLab();
  folder = await mkdtemp(join(tmpdir(), 'lovage-cli-'));
  silent = net.createServer().listen(0, '127.0.0.1');
});
afterAll(async () => {
  silent.close();
  await rm(folder, { recursive: true, force: true });
  await lab[Symbol.asyncDispose]();
});

/** Nobody gets that far. */
const LOST = { DATABASE_URL: 'postgres://127.0.0.1:1/x' };

const changed = (change: (url: URL) => unknown): string => {
  const url = new URL(lab.url);
  change(url);
  return url.href;
};

async function config(text: string): Promise<string> {
  const file = join(folder, `${Math.random().toString(36).slice(2)}.ts`);
  const lovage = new URL('../../src/index.ts', import.meta.url).pathname;
  await writeFile(file, text.replace("'lovage'", JSON.stringify(lovage)));
  return file;
}

describe.concurrent('one clear line and code 1 for', () => {
  test.each(['worker', 'serve', 'dev', 'migrate'])('%s without a Postgres that answers', async (command) => {
    const { code, stderr } = await run([command], {
      DATABASE_URL: 'postgres://ada:s3cret@127.0.0.1:1/x',
    });
    expect(stderr).toMatch(oneLine(/Postgres cannot be reached: connect ECONNREFUSED/));
    expect(code).toBe(1);
  });

  test.each<[string, () => string, RegExp]>([
    [
      'a host that nobody knows',
      () => 'postgres://ada:s3cret@nowhere.invalid/x',
      /Postgres cannot be reached: getaddrinfo/,
    ],
    [
      'a port where nobody speaks',
      () => `postgres://ada:s3cret@127.0.0.1:${(silent.address() as net.AddressInfo).port}/x`,
      /Postgres cannot be reached: /,
    ],
    [
      'a wrong password',
      () => changed((url) => Object.assign(url, { password: 's3cret' })),
      /Postgres refused the connection: /,
    ],
    [
      'a database that is not there',
      () => changed((url) => Object.assign(url, { pathname: '/nowhere' })),
      /Postgres refused the connection: database "nowhere" does not exist/,
    ],
    [
      'a server without TLS where TLS is asked for',
      () => changed((url) => Object.assign(url, { search: '?sslmode=verify-full' })),
      /Postgres refused the connection: The server does not support SSL/,
    ],
    [
      'another kind of URL',
      () => 'mysql://ada:s3cret@localhost/x',
      /DATABASE_URL: must begin with postgres:/,
    ],
    ['a URL that is none', () => 'postgres://ada:s3%cret@localhost:99999999/x', /DATABASE_URL: /],
  ])('%s', async (_what, url, says) => {
    const { code, stderr } = await run(['migrate'], { DATABASE_URL: url() });
    expect(stderr).toMatch(oneLine(says));
    expect(stderr).not.toContain('s3cret');
    expect(code).toBe(1);
  });

  test.each([
    ['LOVAGE_API_KEY', 'too-short', /LOVAGE_API_KEY: must be 20 to 200 printable characters/],
    [
      'LOVAGE_API_KEY',
      'a key with blanks in the midst of it',
      /LOVAGE_API_KEY: must be 20 to 200 printable characters/,
    ],
    ['LOVAGE_DIRECT_URL', 'http://ada:s3cret@localhost/x', /LOVAGE_DIRECT_URL: must begin with postgres:/],
    ['PORT', '70000', /PORT: /],
    ['LOVAGE_LOG_LEVEL', 'loud', /LOVAGE_LOG_LEVEL: /],
    ['LOVAGE_DRAIN_MS', 'soon', /LOVAGE_DRAIN_MS: /],
    ['LOVAGE_CONFIG', '/no/such/lovage.config.ts', /no configuration at \/no\/such\/lovage.config.ts/],
  ])('%s=%s', async (name, value, says) => {
    const { code, stderr } = await run(['migrate'], { DATABASE_URL: lab.url, [name]: value });
    expect(stderr).toMatch(oneLine(says));
    for (const secret of ['a key with blanks', 's3cret'])
      expect(stderr.replace(String(says), '')).not.toContain(secret);
    expect(code).toBe(1);
  });

  test.each(['dev', 'serve', 'worker'])('what a pack finds wrong with its variables: %s', async (command) => {
    const { code, stderr } = await run([command], { ...LOST, RUNS_URL: '', RUNS_TOKEN: 'hunter2hunter2' });
    const what = 'RUNS_TOKEN: must have 20 characters or more (pack "runs")';
    expect({ code, stderr }).toEqual({ code: 1, stderr: `lovage: ${what}\n` });
  });

  test('what a pack finds wrong, among the findings of doctor', async () => {
    const env = { DATABASE_URL: lab.url, RUNS_TOKEN: 'hunter2hunter2', RUNS_URL: 'none' };
    const { code, stdout } = await run(['doctor'], env);
    expect(stdout).toContain('✗ RUNS_TOKEN: must have 20 characters or more (pack "runs")\n');
    expect(stdout).toContain('✗ RUNS_URL: must be a URL (pack "runs")\n');
    expect(stdout).toContain('✓ every invariant holds');
    expect(code).toBe(1);
  });

  test.each(['serve', 'dev'])('a port in use: %s', async (command) => {
    const { port } = silent.address() as net.AddressInfo;
    const { code, stderr } = await run([command], {
      DATABASE_URL: lab.url,
      PORT: String(port),
      LOVAGE_LOG_LEVEL: 'silent',
    });
    expect(stderr).toMatch(oneLine(new RegExp(`port ${port} is in use on 127.0.0.1`)));
    expect(code).toBe(1);
  });

  test.each(['doctor', 'psql', 'migrate', 'bench'])(
    '%s with the URL of an API alone, and makes no database',
    async (command) => {
      const dataDir = join(folder, `none-${command}`);
      const { code, stderr } = await run(command.split(' '), {
        LOVAGE_URL: 'http://127.0.0.1:1',
        LOVAGE_DATA_DIR: dataDir,
      });
      expect(stderr).toMatch(
        oneLine(
          /LOVAGE_URL leads to an API, and this command needs the database behind it: set DATABASE_URL/,
        ),
      );
      expect(code).toBe(1);
      await expect(access(dataDir)).rejects.toThrow('ENOENT');
    },
  );

  test('a queue that is not declared', async () => {
    const { code, stderr } = await run(['worker', '--queues', 'diag,mial'], { DATABASE_URL: lab.url });
    expect(stderr).toMatch(
      oneLine(/queue "mial" is not declared; there are: (?=.*spare)(?=.*faults)[a-z, ]+/),
    );
    expect(code).toBe(1);
  });

  test('a definition registered twice', async () => {
    const file = await config(`
      import { defineConfig, definePack, defineTask } from 'lovage';
      const any = { safeParseAsync: async (data) => ({ success: true, data }) };
      const task = defineTask({ name: 'mail.welcome', input: any, output: any, run: () => null });
      export default defineConfig({ packs: [definePack({ name: 'a', tasks: [task] }), definePack({ name: 'b', tasks: [task] })] });
    `);
    const { code, stderr } = await run(['worker'], { DATABASE_URL: lab.url, LOVAGE_CONFIG: file });
    expect(stderr).toMatch(oneLine(/task definition "mail.welcome" is registered twice/));
    expect(code).toBe(1);
  });

  test('a configuration without a default export', async () => {
    const { code, stderr } = await run(['migrate'], {
      DATABASE_URL: lab.url,
      LOVAGE_CONFIG: await config('export const x = 1;'),
    });
    expect(stderr).toMatch(oneLine(/\S+ must export what defineConfig\(\) returns as its default export/));
    expect(code).toBe(1);
  });
});

test('an empty variable counts as unset', async () => {
  const env = {
    DATABASE_URL: lab.url,
    LOVAGE_API_KEY: '',
    PORT: '',
    HOST: '',
    LOVAGE_LOG_LEVEL: '',
    LOVAGE_DRAIN_MS: '',
  };
  expect(await run(['migrate'], env)).toMatchObject({ code: 0, stderr: '' });
});
