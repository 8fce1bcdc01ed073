import { and, eq, gt, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { PixelFormat } from '../drawing/rasterize.ts';
import { artefactUses, costInfographics } from '../schema/index.ts';

/** The key of a picture that was drawn and is kept for a day yet, longer than links hold. */
export async function findInfographic(
  db: NodePgDatabase,
  { tenant, costId, format }: { tenant: string; costId: string; format: PixelFormat },
): Promise<string | undefined> {
  const [row] = await db
    .select({ key: costInfographics.fileKey })
    .from(costInfographics)
    .innerJoin(artefactUses, eq(artefactUses.key, costInfographics.fileKey))
    .where(
      and(
        eq(costInfographics.costId, costId),
        eq(costInfographics.format, format),
        eq(costInfographics.tenant, tenant),
        eq(artefactUses.tenant, tenant),
        gt(artefactUses.expiresAt, sql`now() + interval '1 day'`),
      ),
    )
    .limit(1);
  return row?.key;
}
