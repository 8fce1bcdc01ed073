import { and, eq, gt, sql } from 'drizzle-orm';
import { resource, type DialectRoute } from 'lovage';
import { artefactUses } from '../schema/index.ts';
import { isArtefactKey } from '../store/artefact-store.ts';
import { openStore } from '../store/open.ts';
import { refuse } from './errors.ts';

/** Bytes never change under their key; a link ends before the file does. */
const CACHE = 'private, max-age=3600, immutable';

export const fileRoutes: readonly DialectRoute[] = [
  resource({
    method: 'get',
    path: '/api/files/{key}',
    summary: 'A picture, by a link that expires',
    kind: 'resource',
    access: 'link',
    async reply({ db, tenant, params }) {
      const key = params['key'] ?? '';
      const missing = refuse(404, 'File not found');
      if (!isArtefactKey(key)) return missing;
      const uses = await db
        .select({ key: artefactUses.key })
        .from(artefactUses)
        .where(
          and(
            eq(artefactUses.key, key),
            eq(artefactUses.tenant, tenant),
            gt(artefactUses.expiresAt, sql`now()`),
          ),
        )
        .limit(1);
      const file = uses.length > 0 ? await openStore().get(key) : undefined;
      if (file === undefined) return missing;
      const headers = {
        'Content-Type': file.contentType,
        'Cache-Control': CACHE,
        'X-Content-Type-Options': 'nosniff',
      };
      return { status: 200, body: file.bytes, headers };
    },
  }),
];
