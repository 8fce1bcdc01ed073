import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Lab, postmasters, query, until } from './lab.ts';

test.concurrent('a second start joins, and its release does not stop the first one’s server', async () => {
  await using lab = new Lab();
  const dataDir = await lab.usedDataDir();
  const first = await lab.start(dataDir);
  const second = await lab.hold(dataDir);
  expect(second.server).toMatchObject({ adopted: true, pid: first.pid, url: first.url });

  expect(await second.release()).toEqual({ stopped: false });
  expect(await query(first, 'select 1 as one')).toEqual([{ one: 1 }]);

  expect(await first.release()).toEqual({ stopped: true });
  expect(postmasters(first.dataDir)).toEqual([]);
});

test.concurrent('the first starter may go first; the last one stops the server', async () => {
  await using lab = new Lab();
  const dataDir = await lab.usedDataDir();
  const first = await lab.hold(dataDir);
  const second = await lab.start(dataDir);

  expect(await first.release()).toEqual({ stopped: false });
  expect(await query(second, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(await second.release()).toEqual({ stopped: true });
});

test.concurrent('release can be called again', async () => {
  await using lab = new Lab();
  const dataDir = await lab.usedDataDir();
  const first = await lab.start(dataDir);
  const [one, two] = await Promise.all([first.release(), first.release()]);
  expect([one, two]).toEqual([{ stopped: true }, { stopped: true }]);

  const second = await lab.start(dataDir);
  await first.release();
  expect(await query(second, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test.concurrent('processes that start a new folder at once share one server', async () => {
  await using lab = new Lab();
  const dataDir = lab.newDataDir();
  const holders = await Promise.all([1, 2, 3].map(() => lab.hold(dataDir)));

  const pids = new Set(holders.map(({ server }) => server.pid));
  expect(pids.size).toBe(1);
  expect(postmasters(holders[0]?.server.dataDir ?? '')).toEqual([...pids]);
  expect(holders.filter(({ server }) => !server.adopted)).toHaveLength(1);

  const released = await Promise.all(holders.map((holder) => holder.release()));
  expect(released.filter(({ stopped }) => stopped)).toHaveLength(1);
});

test.concurrent('whoever joins while the last user leaves gets a server that stays', async () => {
  await using lab = new Lab();
  const dataDir = await lab.usedDataDir();
  let server = await lab.start(dataDir);
  for (let round = 0; round < 8; round++) {
    const leaving = server.release();
    if (round % 2) await until(() => !existsSync(join(server.dataDir, 'postmaster.pid')));
    [server] = await Promise.all([lab.start(dataDir), leaving]);
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  }
});

test.concurrent('Ctrl-C reaches the program and not its Postgres', async () => {
  await using lab = new Lab();
  const holder = await lab.hold(await lab.usedDataDir());

  process.kill(-holder.pid, 'SIGINT');

  expect(await holder.next()).toEqual({ interrupted: true });
  expect(await query(holder.server, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(await holder.release()).toEqual({ stopped: true });
});

test.concurrent('a lost keeper comes back without a word and counts again', async () => {
  await using lab = new Lab();
  const dataDir = await lab.usedDataDir();
  const first = await lab.start(dataDir);
  const keepers = `select pid from pg_stat_activity where application_name = 'lovage keeper'`;
  const [before] = await query<{ pid: number }>(first, keepers);

  await query(first, `select pg_terminate_backend(${before?.pid})`);
  const held = `select pid from pg_locks where locktype = 'advisory' and granted and pid <> ${before?.pid}`;
  await until(async () => (await query(first, held)).length === 1);

  const second = await lab.start(dataDir);
  expect(await second.release()).toEqual({ stopped: false });
  expect(await first.release()).toEqual({ stopped: true });
});
