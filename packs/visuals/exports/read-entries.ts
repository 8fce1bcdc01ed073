import { and, asc, desc, eq, inArray, isNull, or } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { Discard } from 'lovage';
import { z } from 'zod';
import { comparisons, costBreakdowns, visualizations } from '../schema/index.ts';

/** Which of a patient's entries: those named, in vain or not, or null for all. */
export interface Selection {
  tenant: string;
  patientId: string;
  ids: string[] | null;
}

/** Newest first; a report of more would be read by nobody. */
const MAX_ENTRIES = 100;

export async function readVisualizations(db: NodePgDatabase, selection: Selection) {
  const rows = await db
    .select()
    .from(visualizations)
    .where(selected(visualizations, selection))
    .orderBy(desc(visualizations.generatedAt), asc(visualizations.id))
    .limit(MAX_ENTRIES);
  return insistOn(rows, selection, { noun: 'Visualization', code: 'VisualizationNotFound' });
}

export async function readComparisons(db: NodePgDatabase, selection: Selection) {
  const rows = await db
    .select()
    .from(comparisons)
    .where(selected(comparisons, selection))
    .orderBy(desc(comparisons.createdAt), asc(comparisons.id))
    .limit(MAX_ENTRIES);
  return insistOn(rows, selection, { noun: 'Comparison', code: 'ComparisonNotFound' });
}

export async function readCosts(db: NodePgDatabase, selection: Selection) {
  const rows = await db
    .select()
    .from(costBreakdowns)
    .where(selected(costBreakdowns, selection))
    .orderBy(desc(costBreakdowns.createdAt), asc(costBreakdowns.id))
    .limit(MAX_ENTRIES);
  return insistOn(rows, selection, { noun: 'Cost breakdown', code: 'CostBreakdownNotFound' });
}

type Entries = typeof visualizations | typeof comparisons | typeof costBreakdowns;

/** What was made for no patient may be named, and then counts as this one's. */
function selected(entries: Entries, { tenant, patientId, ids }: Selection) {
  const own = eq(entries.patientId, patientId);
  const whose =
    ids === null ? own : and(inArray(entries.id, ids.filter(isId)), or(own, isNull(entries.patientId)));
  return and(eq(entries.tenant, tenant), whose);
}

const isId = (id: string): boolean => z.guid().safeParse(id).success;

function insistOn<Row extends { id: string }>(
  rows: Row[],
  { ids }: Selection,
  { noun, code }: { noun: string; code: string },
): Row[] {
  const found = new Set(rows.map(({ id }) => id));
  const missing = ids?.find((id) => !found.has(id.toLowerCase()));
  if (missing !== undefined) throw new Discard(`${noun} ${missing} not found`, { code });
  return rows;
}
