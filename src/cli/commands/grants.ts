import pg from 'pg';
import { listGrants, type Rights } from '../../grants/list.ts';
import { defineCommand, UsageError } from '../command.ts';
import { openDatabase } from '../database.ts';
import { flag, text } from '../options.ts';
import { readSettings } from '../../settings/settings.ts';

export const grants = defineCommand({
  name: 'grants',
  summary: 'Prints the SQL that lets a database role look, or operate',
  options: {
    read: text('ROLE', 'the views, without inputs and results, and explain()'),
    operate: text('ROLE', 'these, inputs and results, and the functions that act'),
    apply: flag('grant it now; DATABASE_URL has to log in as the owner of schema lovage'),
  },
  examples: ['grants --read metabase', 'grants --operate oncall --apply'],
  notes: ['Goes to the database, never to the API.'],
  async run({ read, operate, apply }) {
    const role = read ?? operate;
    if (role === undefined || (read !== undefined && operate !== undefined)) {
      throw new UsageError('say who may do what: lovage grants --read ROLE, or --operate ROLE');
    }
    const rights: Rights = read === undefined ? 'operate' : 'read';
    const statements = listGrants(rights, role);
    if (apply) await applyAll(statements);
    console.log(apply ? `Role ${role} may ${rights}` : statements.join('\n'));
    return 0;
  },
});

/** All or nothing. */
async function applyAll(statements: readonly string[]): Promise<void> {
  const database = await openDatabase(readSettings());
  const client = new pg.Client({ connectionString: database.url, application_name: 'lovage grants' });
  try {
    await client.connect();
    await client.query(`BEGIN; ${statements.join(' ')} COMMIT`);
  } finally {
    await client.end().catch(() => undefined);
    await database.release();
  }
}
