import type { AuditView } from '../../wire/audit.ts';
import { defineCommand } from '../command.ts';
import { relative } from '../duration.ts';
import { withOperations } from '../operations.ts';
import { text, time, WAY_FLAGS, whole } from '../options.ts';
import { print } from '../print.ts';
import { table } from '../table.ts';

export const audit = defineCommand({
  name: 'audit',
  summary: 'Lists who changed what, the newest first',
  options: {
    actor: text('WHO', 'only of key:NAME, cli:USER or sql:USER'),
    action: text('VERB', 'only of this verb, such as tasks.cancel'),
    target: text('ID', 'only what was done to this'),
    tenant: text('T', 'only of this tenant'),
    since: time('only then or later'),
    until: time('only before then'),
    limit: whole('N', 'so many at most (default 20)', [1, 200]),
    cursor: text('CURSOR', 'goes on where a list ended'),
    ...WAY_FLAGS,
  },
  examples: ['audit --since 1d', 'audit --action queues.pause', 'audit --actor key:ci --json'],
  run: ({ json, url, limit = 20, ...given }) => {
    const filter = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    return withOperations({ url }, async ({ call }) => {
      const page = await call.audit.list.query({ ...filter, limit });
      const more = page.nextCursor === null ? '' : `\nThere are more: --cursor ${page.nextCursor}`;
      print({ json }, page, () => `${table(page.items.map(describe), { spare: SPARE })}${more}`);
      return 0;
    });
  },
});

const SPARE = ['detail', 'from', 'tenant', 'outcome', 'when'];

const describe = (entry: AuditView) => ({
  when: relative(entry.at),
  who: entry.actor,
  what: entry.action,
  'target id': entry.target ?? '-',
  outcome: entry.outcome,
  tenant: entry.tenant,
  from: entry.ip ?? '',
  detail: Object.entries(entry.detail)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' '),
});
