import { rightsFor } from '../grants/list.ts';
import { chain } from './failures.ts';

const LACKS_RIGHT = '42501';
const DENIED = /^permission denied for (?:materialized )?(\w+) "?([^"]+?)"?$/;
const OWNED = /^must be owner of (\w+) "?([^"]+?)"?$/;
/** pg-boss's tables: those of its queues, and its own. */
const OF_PG_BOSS = /^(?:j[0-9a-f]{40,}|job(?:_\w+)?|queue|version|subscription)$/;

/** What Postgres refused for lack of a right, and the statement that gives it. Undefined for any other error. */
export function describeLackingRight(error: unknown, role?: string): string | undefined {
  for (const { code, message } of chain(error)) {
    if (code === LACKS_RIGHT) return `${message}: ${remedy(message, role ?? '<its role>')}`;
  }
  return undefined;
}

function remedy(message: string, role: string): string {
  const [, owned, thing] = OWNED.exec(message) ?? [];
  if (owned) return `log in as the owner of ${owned} ${thing}, who runs lovage migrate`;
  const [, kind = '', name = ''] = DENIED.exec(message) ?? [];
  const rights = kind === 'view' || kind === 'function' ? rightsFor(name) : undefined;
  if (rights) return `lovage grants --${rights} ${role} --apply`;
  if (kind === 'schema') return `GRANT USAGE ON SCHEMA ${name} TO ${role}`;
  if (kind === 'database')
    return `GRANT CREATE ON DATABASE ${name} TO ${role}, or log in as the owner of schema lovage`;
  if (kind === 'function') return `GRANT EXECUTE ON FUNCTION lovage.${name} TO ${role}`;
  if (kind === 'table' || kind === 'view' || kind === 'sequence') {
    const schema = OF_PG_BOSS.test(name) ? 'pgboss' : 'lovage';
    return `GRANT ALL ON ${schema}.${name} TO ${role}`;
  }
  return `log in as the owner of schema lovage, or see lovage doctor`;
}
