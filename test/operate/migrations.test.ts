import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyMigrations } from '../../src/db/migrate.ts';
import { openLab, type Lab } from '../lab.ts';
import { inSession } from './sql-lab.ts';

let lab: Lab;
let root: string;
beforeAll(async () => {
  lab = await openLab();
  root = await mkdtemp(join(tmpdir(), 'lovage-migrations-'));
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

/** A folder as drizzle-kit writes it. */
async function folderOf(name: string, ...files: string[]) {
  const folder = join(root, name);
  await mkdir(join(folder, 'meta'), { recursive: true });
  const entries = files.map((_, at) => ({ idx: at, when: at + 1, tag: `000${at}_step`, breakpoints: true }));
  await writeFile(join(folder, 'meta/_journal.json'), JSON.stringify({ version: '7', entries }));
  for (const [at, text] of files.entries()) await writeFile(join(folder, `000${at}_step.sql`), text);
  return { folder: pathToFileURL(`${folder}/`), table: 'of_test' };
}

const FIRST = `CREATE TABLE public.first_step AS SELECT current_setting('lock_timeout') AS lock_timeout;
--> statement-breakpoint
INSERT INTO public.first_step VALUES ('again');`;

test('a migration waits for locks only so long, and leaves nothing of that with a session that others get', async () => {
  const good = await folderOf('good', FIRST);
  const bad = await folderOf(
    'bad',
    FIRST,
    'CREATE TABLE public.second_step ();--> statement-breakpoint\nSELECT 1 / 0;',
  );
  await inSession(lab.url, async (client) => {
    await client.query(`SET lock_timeout = '7s'`);
    await applyMigrations(client, good);
    await applyMigrations(client, good);
    await expect(applyMigrations(client, bad)).rejects.toThrow('division by zero');
    expect((await client.query('SHOW lock_timeout')).rows).toEqual([{ lock_timeout: '7s' }]);
  });

  expect(await lab.sql('SELECT lock_timeout FROM public.first_step')).toEqual([
    { lock_timeout: '1s' },
    { lock_timeout: 'again' },
  ]);
  expect(await lab.sql(`SELECT to_regclass('public.second_step') AS made`)).toEqual([{ made: null }]);
  expect(await lab.sql('SELECT created_at FROM lovage_migrations.of_test')).toEqual([{ created_at: '1' }]);
});
