import { audited } from '../../audit/call.ts';
import { createKey } from '../../keys/create.ts';
import { findKeys } from '../../keys/find.ts';
import { listKeys } from '../../keys/list.ts';
import { revokeKey } from '../../keys/revoke.ts';
import { rotateKey } from '../../keys/rotate.ts';
import type { Lovage } from '../../lovage.ts';
import { SCOPES, type Caller } from '../../wire.ts';
import type { KeyView, NewKeyView } from '../../wire/key.ts';
import { readArguments } from '../arguments.ts';
import { UsageError, type Command } from '../command.ts';
import { describeKey, KEY_FLAGS, readNewKey } from '../key-flags.ts';
import { table } from '../table.ts';
import { withLovage } from '../with-lovage.ts';

const VERBS = ['create', 'list', 'rotate', 'revoke'] as const;

export const keys: Command = {
  name: 'keys',
  summary: 'API keys: create NAME, list, rotate ID, revoke ID',
  usage: 'keys create NAME [--scopes a,b] [--tenant T] … | keys list | keys rotate ID | keys revoke ID',
  options: [
    ['--scopes a,b', `of ${SCOPES.join(', ')} (default enqueue,read,cancel)`],
    ['--tenant T', 'whose tasks it makes and sees (default "default")'],
    ['--priority N', 'of tasks whose caller names none'],
    ['--rate N/PERIOD', 'at most so many calls, such as 100/60s or 5000/1h'],
    ['--expires TIME', 'ISO 8601, such as 2027-01-01T00:00:00Z'],
    ['--grace MS', 'rotate: how long the former key still works (default 0)'],
    ['--json', 'print JSON'],
  ],
  examples: [
    'keys create ci --scopes enqueue,read --rate 100/60s',
    'keys list',
    'keys rotate lv_a1b2c3 --grace 3600000',
    'keys revoke lv_a1b2c3',
  ],
  async run(args) {
    const { values, positionals } = readArguments(args, KEY_FLAGS, 2);
    const [verb, word = ''] = positionals;
    if (!VERBS.some((known) => known === verb) || (verb !== 'list' && word === '')) {
      throw new UsageError('say keys create NAME, keys list, keys rotate ID or keys revoke ID');
    }
    const { graceMs, ...wanted } = readNewKey(word, values);
    return withLovage(async (lovage, caller) => {
      const print = (rows: readonly object[], text: string) =>
        console.log(values.json ? JSON.stringify(rows, null, 2) : text);
      if (verb === 'list') {
        const rows = await listAll(lovage, caller);
        print(rows, table(rows.map(describeKey)));
        return 0;
      }
      if (verb === 'create') {
        const call = { action: 'keys.create', request: wanted };
        const made = await audited(lovage, caller, call, () => createKey(lovage.pool, caller, wanted));
        print([made], announce(made));
        return 0;
      }
      const found = await findKeys(lovage.pool, caller, word);
      if (verb === 'rotate') {
        const { expiresAt } = wanted;
        const made = await Promise.all(
          found.map(({ id }) => rotate(lovage, caller, id, { graceMs, expiresAt })),
        );
        print(made, made.map(announce).join('\n\n') || nothingLike(word));
      } else {
        for (const { id } of found) await revoke(lovage, caller, id);
        const rows = found.map(({ id, name, prefix }) => ({ id, name, prefix }));
        const said = rows.map(({ name, prefix }) => `${name} (${prefix}…)`).join(', ');
        print(rows, said === '' ? nothingLike(word) : `Revoked ${said}`);
      }
      return found.length > 0 ? 0 : 1;
    });
  },
};

async function listAll({ pool }: Lovage, caller: Caller): Promise<KeyView[]> {
  const rows: KeyView[] = [];
  let cursor: string | undefined;
  do {
    const page = await listKeys(pool, caller, { cursor });
    rows.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return rows;
}

const rotate = (lovage: Lovage, caller: Caller, id: string, rotation: Parameters<typeof rotateKey>[3]) =>
  audited(lovage, caller, { action: 'keys.rotate', request: { id, ...rotation } }, () =>
    rotateKey(lovage.pool, caller, id, rotation),
  );

const revoke = (lovage: Lovage, caller: Caller, id: string) =>
  audited(lovage, caller, { action: 'keys.revoke', request: { id } }, () =>
    revokeKey(lovage.pool, caller, id),
  );

const announce = ({ key, name, scopes }: NewKeyView): string =>
  `${key}\n\nThis is the only time the key is shown. It is "${name}", with scopes ${scopes.join(', ')}.`;

const nothingLike = (word: string): string => `No live key has the id or prefix "${word}"`;
