import { and, asc, desc, eq, inArray, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { metricsSnapshot } from '../schema.ts';
import type { Sprint } from '../sprints/sprint.ts';

export type Snapshot = typeof metricsSnapshot.$inferSelect;

const ofTenant = (tenant: string) => eq(metricsSnapshot.tenant, tenant);
const latestFirst = [
  desc(metricsSnapshot.endDate),
  desc(metricsSnapshot.startDate),
  desc(metricsSnapshot.sprintId),
];

/** Which of these sprints are stored already. */
export async function findStored(
  db: NodePgDatabase,
  tenant: string,
  sprintIds: readonly string[],
): Promise<Set<string>> {
  const rows = await db
    .select({ id: metricsSnapshot.sprintId })
    .from(metricsSnapshot)
    .where(and(ofTenant(tenant), inArray(metricsSnapshot.sprintId, [...sprintIds])));
  return new Set(rows.map(({ id }) => id));
}

/** New sprints are written; what is stored already is replaced only if `replace` says so. */
export async function storeSprints(
  db: NodePgDatabase,
  { tenant, sprints, replace }: { tenant: string; sprints: readonly Sprint[]; replace: boolean },
): Promise<void> {
  if (sprints.length === 0) return;
  const insert = db.insert(metricsSnapshot).values(
    sprints.map(({ id, name, startDate, endDate, data }) => ({
      tenant,
      sprintId: id,
      sprintName: name,
      startDate,
      endDate,
      metricsData: data,
    })),
  );
  const target = [metricsSnapshot.tenant, metricsSnapshot.sprintId];
  if (!replace) await insert.onConflictDoNothing({ target });
  else
    await insert.onConflictDoUpdate({
      target,
      set: {
        sprintName: sql`excluded.sprint_name`,
        startDate: sql`excluded.start_date`,
        endDate: sql`excluded.end_date`,
        metricsData: sql`excluded.metrics_data`,
        fetchedAt: sql`now()`,
        updatedAt: sql`now()`,
      },
    });
}

/** The latest ones, latest first. */
export async function listSnapshots(
  db: NodePgDatabase,
  tenant: string,
  { limit, offset = 0 }: { limit: number; offset?: number },
): Promise<Snapshot[]> {
  return db
    .select()
    .from(metricsSnapshot)
    .where(ofTenant(tenant))
    .orderBy(...latestFirst)
    .limit(limit)
    .offset(offset);
}

/** Those of these ids that exist, oldest first. */
export async function readSnapshots(
  db: NodePgDatabase,
  tenant: string,
  sprintIds: readonly string[],
): Promise<Snapshot[]> {
  return db
    .select()
    .from(metricsSnapshot)
    .where(and(ofTenant(tenant), inArray(metricsSnapshot.sprintId, [...sprintIds])))
    .orderBy(asc(metricsSnapshot.endDate), asc(metricsSnapshot.startDate), asc(metricsSnapshot.sprintId));
}

/** Whether there was one. */
export async function deleteSnapshot(db: NodePgDatabase, tenant: string, sprintId: string): Promise<boolean> {
  const gone = await db
    .delete(metricsSnapshot)
    .where(and(ofTenant(tenant), eq(metricsSnapshot.sprintId, sprintId)))
    .returning({ id: metricsSnapshot.id });
  return gone.length > 0;
}
