import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SetupError } from '../../errors.ts';
import { readSettings } from '../../settings/settings.ts';
import { defineCommand } from '../command.ts';
import { openDatabase } from '../database.ts';

export const psql = defineCommand({
  name: 'psql',
  summary: 'Opens psql on the database, the embedded one too',
  takesAnything: true,
  examples: ['psql', `psql -c 'SELECT * FROM lovage.check_invariants()'`],
  async run(_values, args) {
    const database = await openDatabase(readSettings(), { makes: false });
    try {
      const url = new URL(database.url);
      // By the environment, since arguments can be read by every user of the machine.
      const env = { ...process.env, PGPASSWORD: decodeURIComponent(url.password) };
      url.password = '';
      const child = spawn('psql', [...args, url.href], { env, stdio: 'inherit' });
      // Ctrl-C in psql cancels a statement; it is not meant for us.
      process.on('SIGINT', () => undefined);
      const [code] = (await once(child, 'exit')) as [number | null];
      return code ?? 1;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new SetupError('psql is not installed: it comes with Postgres, or as postgresql-client');
    } finally {
      await database.release();
    }
  },
});
