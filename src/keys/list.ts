import type { Executor } from '../db/connect.ts';
import type { Scope } from '../wire.ts';

export interface KeyView {
  id: string;
  name: string;
  prefix: string;
  tenant: string;
  scopes: Scope[];
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
}

export async function listKeys(executor: Executor): Promise<KeyView[]> {
  const { rows } = await executor.query<KeyView>(
    `SELECT id, name, prefix, tenant, scopes, created_at AS "createdAt", expires_at AS "expiresAt", revoked_at AS "revokedAt"
     FROM lovage.api_key ORDER BY id`,
  );
  return rows;
}
