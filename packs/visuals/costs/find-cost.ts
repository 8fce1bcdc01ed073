import { and, eq, gt, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { z } from 'zod';
import type { PixelFormat } from '../drawing/rasterize.ts';
import { artefactUses, costBreakdowns, costInfographics } from '../schema/index.ts';

export type CostBreakdown = typeof costBreakdowns.$inferSelect;

/** Undefined where this tenant has none of this id. */
export async function findCost(
  db: NodePgDatabase,
  tenant: string,
  id: string,
): Promise<CostBreakdown | undefined> {
  if (!z.guid().safeParse(id).success) return undefined;
  const [row] = await db
    .select()
    .from(costBreakdowns)
    .where(and(eq(costBreakdowns.id, id), eq(costBreakdowns.tenant, tenant)));
  return row;
}

/** The key of a picture that was drawn and is kept for another hour at least. */
export async function findInfographic(
  db: NodePgDatabase,
  { tenant, costId, format }: { tenant: string; costId: string; format: PixelFormat },
): Promise<string | undefined> {
  if (!z.guid().safeParse(costId).success) return undefined;
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
        gt(artefactUses.expiresAt, sql`now() + interval '1 hour'`),
      ),
    )
    .limit(1);
  return row?.key;
}
