import { createKey } from '../../keys/create.ts';
import { listKeys, type KeyView } from '../../keys/list.ts';
import { revokeKey } from '../../keys/revoke.ts';
import { connect } from '../../db/connect.ts';
import { SCOPES, type Scope } from '../../wire.ts';
import { readArguments } from '../arguments.ts';
import { UsageError, type Command } from '../command.ts';
import { withSession } from '../session.ts';
import { table } from '../table.ts';

export const keys: Command = {
  name: 'keys',
  summary: 'API keys: create NAME, list, revoke ID',
  usage: 'keys create NAME [--scopes a,b] [--tenant T] [--expires TIME] | keys list | keys revoke ID',
  options: [
    ['--scopes a,b', `of ${SCOPES.join(', ')} (default enqueue,read,cancel)`],
    ['--tenant T', 'whose tasks it makes and sees (default "default")'],
    ['--expires TIME', 'ISO 8601, such as 2027-01-01T00:00:00Z'],
    ['--json', 'print JSON'],
  ],
  examples: ['keys create ci --scopes enqueue,read', 'keys list', 'keys revoke lv_a1b2c3'],
  async run(args) {
    const { values, positionals } = readArguments(
      args,
      {
        scopes: { type: 'string', default: 'enqueue,read,cancel' },
        tenant: { type: 'string' },
        expires: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
      2,
    );
    const [verb, word] = positionals;
    if (verb !== 'list' && !(word && (verb === 'create' || verb === 'revoke'))) {
      throw new UsageError('say keys create NAME, keys list or keys revoke ID');
    }
    const scopes = readScopes(values.scopes);
    const expiresAt = readTime(values.expires);
    return withSession(async ({ database, log }) => {
      const { pool } = connect({ url: database.url, log, max: 1 });
      const print = (rows: object[], text: string) =>
        console.log(values.json ? JSON.stringify(rows, null, 2) : text);
      if (verb === 'create') {
        const made = await createKey(pool, { name: word ?? '', scopes, tenant: values.tenant, expiresAt });
        print(
          [made],
          `${made.key}\n\nThis is the only time the key is shown. It is "${made.name}", with scopes ${made.scopes.join(', ')}.`,
        );
      } else if (verb === 'list') {
        const rows = await listKeys(pool);
        print(rows, table(rows.map(describe)));
      } else {
        const revoked = await revokeKey(pool, word ?? '');
        print(
          revoked,
          revoked.length > 0
            ? `Revoked ${revoked.map((key) => `${key.name} (${key.prefix}…)`).join(', ')}`
            : `No live key has the id or prefix "${word}"`,
        );
        await pool.end();
        return revoked.length > 0 ? 0 : 1;
      }
      await pool.end();
      return 0;
    });
  },
};

function readScopes(text: string): Scope[] {
  const scopes = text.split(',').map((scope) => scope.trim());
  const unknown = scopes.filter((scope) => !SCOPES.includes(scope as Scope));
  if (unknown.length > 0)
    throw new UsageError(`--scopes: "${unknown.join(', ')}" is none of ${SCOPES.join(', ')}`);
  return scopes as Scope[];
}

function readTime(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (Number.isNaN(Date.parse(text))) throw new UsageError(`--expires: "${text}" is no ISO 8601 time`);
  return new Date(text).toISOString();
}

const describe = (key: KeyView) => ({
  id: key.id,
  key: `${key.prefix}…`,
  name: key.name,
  tenant: key.tenant,
  scopes: key.scopes.join(','),
  created: key.createdAt.toISOString(),
  state: key.revokedAt ? 'revoked' : key.expiresAt && key.expiresAt < new Date() ? 'expired' : 'live',
});
