import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { kill, Lab, postmasters, query, until } from './lab.ts';

test.concurrent('a server whose program was killed is adopted', async () => {
  await using lab = new Lab();
  const dataDir = await lab.usedDataDir();
  const holder = await lab.hold(dataDir);
  await query(holder.server, 'create table kept as select 42 as answer');
  await kill(holder);

  const server = await lab.start(dataDir);

  expect(server).toMatchObject({ adopted: true, pid: holder.server.pid, url: holder.server.url });
  expect(await query(server, 'select answer from kept')).toEqual([{ answer: 42 }]);
  expect(await server.release()).toEqual({ stopped: true });
});

test.concurrent('a program that is done ends without release, and its server is adopted', async () => {
  await using lab = new Lab();
  const dataDir = await lab.usedDataDir();
  const program = lab.spawn('start-and-end.ts', [dataDir]);
  const exited = once(program.child, 'exit');
  const { pid } = await program.next();
  expect(await exited).toEqual([0, null]);

  const server = await lab.start(dataDir);
  expect(server).toMatchObject({ adopted: true, pid });
});

test.concurrent('after the postmaster was killed a start works again, and its users find the server back', async () => {
  await using lab = new Lab();
  const dataDir = await lab.usedDataDir();
  const first = await lab.start(dataDir);
  await query(first, 'create table kept as select 42 as answer');
  process.kill(first.pid, 'SIGKILL');

  const second = await lab.start(dataDir);

  expect(second).toMatchObject({ adopted: false, url: first.url });
  expect(await query(second, 'select answer from kept')).toEqual([{ answer: 42 }]);
  const users = `select distinct pid from pg_locks where locktype = 'advisory' and granted`;
  await until(async () => (await query(second, users)).length === 2);
  expect(await second.release()).toEqual({ stopped: false });
  expect(await first.release()).toEqual({ stopped: true });
});

test.concurrent('a start waits for the children of a killed postmaster instead of running beside them', async () => {
  await using lab = new Lab();
  const dataDir = await lab.usedDataDir();
  const first = await lab.start(dataDir);
  const [child] = await query<{ pid: number }>(
    first,
    `select pid from pg_stat_activity where application_name = 'lovage keeper'`,
  );
  const pid = child?.pid ?? 0;
  process.kill(pid, 'SIGSTOP');
  process.kill(first.pid, 'SIGKILL');

  const starting = lab.start(dataDir);
  const log = join(dataDir, 'postgres.log');
  await until(() => readFileSync(log, 'utf8').includes('pre-existing shared memory block'));
  process.kill(pid, 'SIGCONT');

  const second = await starting;
  expect(second.adopted).toBe(false);
  expect(await query(second, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test.concurrent('a leftover postmaster.pid whose pid is somebody else’s by now is no server', async () => {
  await using lab = new Lab();
  const dataDir = await lab.usedDataDir();
  const first = await lab.start(dataDir);
  const pidFile = join(first.dataDir, 'postmaster.pid');
  const leftover = readFileSync(pidFile, 'utf8');
  await first.release();
  const { uid, gid } = statSync(first.dataDir);
  const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { uid, gid, cwd: '/' });
  await once(stranger, 'spawn');
  try {
    writeFileSync(pidFile, leftover.replace(String(first.pid), String(stranger.pid)));

    const second = await lab.start(dataDir);

    expect(second.adopted).toBe(false);
    expect(second.pid).not.toBe(stranger.pid);
    expect(await query(second, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(await second.release()).toEqual({ stopped: true });
    expect(stranger.exitCode).toBe(null);
  } finally {
    stranger.kill('SIGKILL');
  }
});

test.concurrent('an initdb that was cut short does not spoil the folder', async () => {
  await using lab = new Lab();
  const dataDir = lab.newDataDir();
  const holder = lab.spawn('hold.ts', [dataDir]);
  const workshops = () =>
    existsSync(dataDir) ? readdirSync(dataDir).filter((name) => name.startsWith('postgres-new-')) : [];
  await until(() => workshops().some((name) => existsSync(join(dataDir, name, 'cluster', 'PG_VERSION'))));
  await kill(holder);
  expect(existsSync(join(dataDir, 'postgres'))).toBe(false);

  const server = await lab.start(dataDir);

  expect(server.adopted).toBe(false);
  expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test.concurrent('a starter that was killed while starting leaves no second server behind', async () => {
  await using lab = new Lab();
  const dataDir = await lab.usedDataDir();
  const first = await lab.start(dataDir);
  await first.release();
  const holder = lab.spawn('hold.ts', [dataDir]);
  await until(() => postmasters(first.dataDir).length === 1);
  await kill(holder);

  const server = await lab.start(dataDir);

  expect(postmasters(server.dataDir)).toEqual([server.pid]);
  expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
});
