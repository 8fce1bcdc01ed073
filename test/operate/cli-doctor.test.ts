import { execFile } from 'node:child_process';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { examineClock, judgeClock } from '../../src/cli/doctor/clock.ts';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { examineDisk, judgeDisk } from '../../src/cli/doctor/installation.ts';
import { readSettings } from '../../src/settings/settings.ts';
import { say } from '../cli/said.ts';
import { openCommandLab } from '../cli/command-lab.ts';
import { configFile, until, type Lab } from '../lab.ts';
import { openRole } from './sql-lab.ts';

/** Each line of the doctor is brought about for real, its remedy typed as it stands, and looked at again. */
let lab: Lab;
const EXAMPLES_CONFIG = new URL('./fixtures/examples.config.ts', import.meta.url).pathname;
beforeAll(async () => {
  lab = await openCommandLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

async function examined(url = lab.url): Promise<{ code: number; findings: Finding[] }> {
  vi.stubEnv('DATABASE_URL', url);
  const { code, stdout } = await say('doctor', '--json');
  vi.stubEnv('DATABASE_URL', lab.url);
  return { code, findings: JSON.parse(stdout) as Finding[] };
}
const find = (findings: readonly Finding[], what: RegExp) => findings.find((each) => what.test(each.what));
const look = async (what: RegExp, url = lab.url) => find((await examined(url)).findings, what);

test.each([
  [
    'no server',
    (url: URL) => Object.assign(url, { port: '1' }),
    /^Postgres cannot be reached/,
    /start Postgres/,
  ],
  [
    'another password',
    (url: URL) => Object.assign(url, { password: 'x', username: 'nobody' }),
    /refused the connection/,
    /mend user/,
  ],
  [
    'no such database',
    (url: URL) => Object.assign(url, { pathname: '/nowhere' }),
    /"nowhere" does not exist/,
    /mend user/,
  ],
])('connection: %s', async (_what, change, what, remedy) => {
  const { code, findings } = await examined(change(new URL(lab.url)).href);
  expect({ code, findings }).toEqual({
    code: 1,
    findings: [
      {
        state: 'bad',
        what: expect.stringMatching(what) as string,
        remedy: expect.stringMatching(remedy) as string,
      },
    ],
  });
});

test('clock: a server of another time is told, a slow line is not', async () => {
  expect(await examineClock(lab.lovage.pool)).toMatchObject({ state: 'good' });
  expect(judgeClock('17', 10_000, { before: 3_000, after: 60_000 })).toMatchObject({ state: 'good' });
  expect(judgeClock('17', 10_000, { before: 12_001, after: 12_002 })).toMatchObject({
    state: 'note',
    what: expect.stringContaining('2001 ms') as string,
    remedy: expect.stringContaining('NTP') as string,
  });
  // A database whose clock goes an hour ahead, for whoever asks it as the doctor does.
  await lab.sql(`CREATE SCHEMA ahead; CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz
    LANGUAGE sql AS 'SELECT pg_catalog.clock_timestamp() + interval ''1 hour'''`);
  const url = new URL(lab.url);
  url.searchParams.set('options', '-c search_path=ahead,pg_catalog');
  expect(await look(/^Postgres .* answers/, url.href)).toMatchObject({
    state: 'note',
    what: expect.stringMatching(/its clock is 3[56]\d{5} ms/) as string,
  });
  await lab.sql('DROP SCHEMA ahead CASCADE');
});

test('versions: of the schema, and of the workers', async () => {
  const shift = (by: number) =>
    lab.sql('UPDATE lovage_migrations.lovage SET created_at = created_at + $1', [by]);
  await shift(-1);
  expect(await look(/migrations? of this version/)).toMatchObject({ state: 'bad', remedy: 'lovage migrate' });
  await shift(2);
  expect(await look(/newer than this lovage/)).toMatchObject({ state: 'note' });
  await shift(-1);
  const older = await lab.worker({ version: '0.0.1' });
  const newer = await lab.worker({ version: '0.0.2' });
  expect(await look(/several versions/)).toMatchObject({
    what: expect.stringContaining('1 of 0.0.1, 1 of 0.0.2') as string,
  });
  await newer.drain(0);
  expect(await look(/schema is of this version/)).toMatchObject({ state: 'good' });
  expect(await look(/1 live worker with/)).toMatchObject({ state: 'good' });
  await older.drain(0);
  expect(await look(/no worker is running/)).toMatchObject({ state: 'note' });
});

test('rights: what is printed gives a role all that a start takes', async () => {
  await using role = await openRole(lab, { name: 'app "one"' });
  const lacks = await look(/lacks rights/, role.url);
  expect(lacks).toMatchObject({ state: 'bad' });
  await lab.sql(lacks?.remedy ?? '');
  expect(await look(/this role may do all/, role.url)).toMatchObject({ state: 'good' });
  vi.stubEnv('DATABASE_URL', role.url);
  expect(await say('migrate')).toMatchObject({ code: 0, stderr: '' });
  expect(await say('run', 'diag.noop', '--delay', '60000')).toMatchObject({ code: 0, stderr: '' });
  vi.stubEnv('DATABASE_URL', lab.url);
});

test('queues: those that no start has declared yet', async () => {
  vi.stubEnv('LOVAGE_CONFIG', EXAMPLES_CONFIG);
  expect(await look(/not declared/)).toMatchObject({
    what: expect.stringContaining('mail') as string,
    remedy: 'lovage migrate',
  });
  expect((await say('migrate')).code).toBe(0);
  expect(await look(/every queue is declared/)).toMatchObject({ state: 'good' });
  vi.stubEnv('LOVAGE_CONFIG', configFile);
});

test('vacuum: a transaction that is open for long is ended by what is printed', async () => {
  const [definition] = await lab.sql<{ was: string }>(
    `SELECT pg_get_functiondef('lovage.vacuum_holders(interval, bigint)'::regprocedure) AS was`,
  );
  const was = definition?.was ?? '';
  // Nobody waits ten minutes here.
  await lab.sql(was.replace("'00:10:00'", "'00:00:00'"));
  const idle = new pg.Client({ connectionString: lab.url, application_name: 'forgotten' });
  const gone = new Promise((resolve) => idle.on('error', resolve));
  await idle.connect();
  await idle.query('BEGIN; SELECT pg_current_xact_id()');
  const held = await look(/vacuum is held back .*forgotten/);
  expect(held).toMatchObject({ state: 'bad' });
  const [statement = ''] = held?.remedy?.split(';') ?? [];
  await lab.sql(statement);
  await gone;
  await lab.sql(was);
  expect(await look(/nothing holds vacuum back/)).toMatchObject({ state: 'good' });
});

test('archive: partitions that lack, and a clock that has leapt', async () => {
  expect(await look(/the archive has its partitions/)).toMatchObject({ state: 'good' });
  const [last] = await lab.sql<{ name: string }>(
    'SELECT name FROM lovage.archive_partition ORDER BY to_at DESC LIMIT 1',
  );
  const name = last?.name ?? '';
  await lab.sql(`DROP TABLE lovage.${name}`);
  await lab.sql('DELETE FROM lovage.archive_partition WHERE name = $1', [name]);
  expect(await look(/the archive lacks 1 partition:/)).toMatchObject({
    state: 'note',
    remedy: 'lovage archive run',
  });
  expect((await say('archive', 'run')).code).toBe(0);
  expect(await look(/the archive has its partitions/)).toMatchObject({ state: 'good' });
  await lab.sql(`INSERT INTO lovage.upkeep (subject, at, detail) VALUES ('clock', now(), '{"heldUntil": "2100-01-01T00:00:00Z"}')
    ON CONFLICT (subject) DO UPDATE SET detail = excluded.detail`);
  expect(await look(/clock has leapt/)).toMatchObject({
    state: 'note',
    remedy: expect.stringContaining('NTP') as string,
  });
  await lab.sql(`DELETE FROM lovage.upkeep WHERE subject = 'clock'`);
});

test('secret: needed once there are webhooks', async () => {
  expect(await look(/LOVAGE_SECRET is not set/)).toMatchObject({ state: 'note' });
  vi.stubEnv('LOVAGE_SECRET', 'x'.repeat(40));
  expect(await look(/LOVAGE_SECRET is set/)).toMatchObject({ state: 'good' });
  vi.stubEnv('LOVAGE_SECRET', undefined);
});

test('disk: of an embedded server, by what its file system says', async (context) => {
  const { bsize, blocks } = await statfs(tmpdir());
  expect(judgeDisk('', { bsize, blocks, bavail: blocks })).toMatchObject({ state: 'good' });
  expect(judgeDisk('', { bsize: 4_096, blocks: 1_000_000, bavail: 1_000 })).toMatchObject({ state: 'bad' });
  // A tenth of a very large disk is room enough.
  expect(judgeDisk('', { bsize: 4_096, blocks: 1e10, bavail: 1e8 })).toMatchObject({ state: 'good' });
  expect(await examineDisk(lab.lovage.pool, readSettings())).toMatchObject([
    { state: 'good', what: expect.stringContaining('its server knows') as string },
  ]);

  if (process.getuid?.() !== 0) return context.skip('only root can mount a small disk');
  const dataDir = await mkdtemp(join(tmpdir(), 'lovage-small-'));
  const shell = promisify(execFile);
  await shell('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dataDir]);
  try {
    const settings = { ...readSettings(), databaseUrl: undefined, dataDir };
    expect(await examineDisk(lab.lovage.pool, settings)).toMatchObject([{ state: 'good' }]);
    await shell('dd', ['if=/dev/zero', `of=${dataDir}/filler`, 'bs=1k', 'count=1000']);
    expect(await examineDisk(lab.lovage.pool, settings)).toMatchObject([
      { state: 'bad', remedy: expect.stringContaining('make room') as string },
    ]);
  } finally {
    await shell('umount', [dataDir]);
    await rm(dataDir, { recursive: true });
  }
});

test('what stands in the database moves no cursor in what the doctor prints', async () => {
  await lab.sql(
    `UPDATE lovage.queue_control SET paused_at = now() - interval '2 days', paused_by = 'x', pause_reason = E'\\x1b[2Jgone' WHERE queue = 'spare'`,
  );
  const { stdout } = await say('doctor');
  expect(stdout).not.toContain('\u001B');
  await say('resume', 'spare');
  await until(
    () => lab.violations(),
    (rows) => rows.length === 0,
  );
});
