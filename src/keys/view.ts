import { LovageError } from '../errors.ts';
import type { Scope } from '../wire.ts';
import type { KeyView } from '../wire/key.ts';

export interface KeyRow {
  id: string;
  name: string;
  prefix: string;
  tenant: string;
  scopes: Scope[];
  state: KeyView['state'];
  priority: number | null;
  rate_limit: number | null;
  rate_period_ms: number | null;
  created_at: Date;
  created_by: string | null;
  expires_at: Date | null;
  last_used_at: Date | null;
  revoked_at: Date | null;
  replaced_by: string | null;
}

/** All that may be shown: the hash is not among it. */
export const KEY_COLUMNS = `id, name, prefix, tenant, scopes, priority, rate_limit, rate_period_ms, created_at, created_by,
  expires_at, last_used_at, revoked_at, replaced_by,
  CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at <= now() THEN 'expired' ELSE 'live' END AS state`;

export const viewKey = (row: KeyRow): KeyView => ({
  id: row.id,
  name: row.name,
  prefix: row.prefix,
  tenant: row.tenant,
  scopes: row.scopes,
  state: row.state,
  priority: row.priority,
  rate: rateOf(row),
  createdAt: row.created_at.toISOString(),
  createdBy: row.created_by,
  expiresAt: row.expires_at?.toISOString() ?? null,
  lastUsedAt: row.last_used_at?.toISOString() ?? null,
  revokedAt: row.revoked_at?.toISOString() ?? null,
  replacedBy: row.replaced_by,
});

export const rateOf = (row: Pick<KeyRow, 'rate_limit' | 'rate_period_ms'>): KeyView['rate'] =>
  row.rate_limit === null || row.rate_period_ms === null
    ? null
    : { limit: row.rate_limit, periodMs: row.rate_period_ms };

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
export const isKeyId = (id: string): boolean => UUID.test(id);

export const keyNotFound = (id: string): LovageError =>
  new LovageError('key-not-found', `no API key has the id "${id.slice(0, 64)}"`);
