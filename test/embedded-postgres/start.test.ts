import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { postmasters, Lab, query } from './lab.ts';

test.concurrent('a cold start serves a database that answers', async () => {
  await using lab = new Lab();
  const server = await lab.start(lab.newDataDir());

  expect(server.adopted).toBe(false);
  expect(server.url).toMatch(
    new RegExp(`^postgres://lovage:[\\w-]{32}@127\\.0\\.0\\.1:${server.port}/lovage$`),
  );
  const [row] = await query(
    server,
    `select current_user as me, current_database() as here, current_setting('server_encoding') as encoding,
       current_setting('fsync') as fsync, current_setting('max_connections') as connections`,
  );
  expect(row).toEqual({ me: 'lovage', here: 'lovage', encoding: 'UTF8', fsync: 'on', connections: '200' });
});

test.concurrent('a restart keeps the data, the password and the port', async () => {
  await using lab = new Lab();
  const dataDir = await lab.usedDataDir();
  const first = await lab.start(dataDir);
  await query(first, 'create table kept as select 42 as answer');
  expect(await first.release()).toEqual({ stopped: true });
  expect(postmasters(first.dataDir)).toEqual([]);

  const second = await lab.start(dataDir);

  expect(second).toMatchObject({ url: first.url, adopted: false });
  expect(second.pid).not.toBe(first.pid);
  expect(await query(second, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test.concurrent('a port that was taken meanwhile is given up for another', async () => {
  await using lab = new Lab();
  const dataDir = await lab.usedDataDir();
  const first = await lab.start(dataDir);
  await first.release();
  const squatter = createServer().listen(first.port, '127.0.0.1');
  await once(squatter, 'listening');

  const second = await lab.start(dataDir);
  squatter.close();

  expect(second.port).not.toBe(first.port);
  expect(await query(second, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test.concurrent('nobody gets in without the password', async () => {
  await using lab = new Lab();
  const server = await lab.start(await lab.usedDataDir());

  const rules = await query<{ auth_method: string }>(
    server,
    'select distinct auth_method from pg_hba_file_rules',
  );
  expect(rules).toEqual([{ auth_method: 'scram-sha-256' }]);
  const wrong = new URL(server.url);
  wrong.password = 'wrong';
  await expect(query({ url: wrong.href }, 'select 1')).rejects.toMatchObject({ code: '28P01' });
});

test.concurrent('the server looks for what to vacuum every 15 s', async () => {
  await using lab = new Lab();
  const server = await lab.start(await lab.usedDataDir());
  expect(await query(server, "select current_setting('autovacuum_naptime') as every")).toEqual([
    { every: '15s' },
  ]);
});

test.concurrent('the server listens on 127.0.0.1 and nowhere else', async () => {
  await using lab = new Lab();
  const server = await lab.start(await lab.usedDataDir());

  const [row] = await query(
    server,
    `select current_setting('listen_addresses') as tcp, current_setting('unix_socket_directories') as unix`,
  );
  expect(row).toEqual({ tcp: '127.0.0.1', unix: '' });
  const others = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const hosts = [
    '127.0.0.2',
    ...others.filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address),
  ];
  for (const host of hosts) {
    await expect(once(connect(server.port, host), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  }
});

test.concurrent('the password is in one private file, not in arguments, environment or log', async () => {
  await using lab = new Lab();
  const dataDir = lab.newDataDir();
  const lines: string[] = [];
  const server = await lab.start(dataDir, { log: (line) => lines.push(line) });
  const { password } = new URL(server.url);

  expect(readFileSync(join(dataDir, 'postgres-password'), 'utf8').trim()).toBe(password);
  expect(statSync(join(dataDir, 'postgres-password')).mode & 0o777).toBe(0o600);
  for (const file of ['cmdline', 'environ']) {
    expect(readFileSync(`/proc/${server.pid}/${file}`, 'utf8')).not.toContain(password);
  }
  expect(readFileSync(join(dataDir, 'postgres.log'), 'utf8')).not.toContain(password);
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.join()).not.toContain(password);
});
