import { Discard } from 'lovage';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Sprint } from '../sprints/sprint.ts';
import { listSnapshots, readSnapshots, type Snapshot } from '../store/snapshots.ts';

const FEWEST = 2;
const DEFAULT_COUNT = 5;
const MOST_NAMED = 5;

/**
 * The sprints named, else the latest so many; oldest first. @throws Discard `UnknownSprints` where one that is named is not
 * stored, `InsufficientData` where there are fewer than two.
 */
export async function loadSprints(
  db: NodePgDatabase,
  tenant: string,
  asked: { ids: readonly string[]; count: number | null },
): Promise<Sprint[]> {
  const ids = [...new Set(asked.ids)];
  const snapshots =
    ids.length > 0
      ? await readSnapshots(db, tenant, ids)
      : (await listSnapshots(db, tenant, { limit: asked.count ?? DEFAULT_COUNT })).toReversed();
  const found = new Set(snapshots.map(({ sprintId }) => sprintId));
  const unknown = ids.filter((id) => !found.has(id));
  if (unknown.length > 0) throw refuseUnknown(unknown);
  if (snapshots.length < FEWEST) {
    const message = `Insufficient data: a report needs at least ${FEWEST} sprints, and there ${snapshots.length === 1 ? 'is 1' : 'are none'}`;
    throw new Discard(message, { code: 'InsufficientData' });
  }
  return snapshots.map(toSprint);
}

function refuseUnknown(ids: readonly string[]): Discard {
  const more = ids.length > MOST_NAMED ? ` and ${ids.length - MOST_NAMED} more` : '';
  const message = `Unknown sprint_ids: ${ids.slice(0, MOST_NAMED).join(', ')}${more}. Sync their metrics first`;
  return new Discard(message, { code: 'UnknownSprints' });
}

const toSprint = ({ sprintId, sprintName, startDate, endDate, metricsData }: Snapshot): Sprint => ({
  id: sprintId,
  name: sprintName,
  startDate,
  endDate,
  data: metricsData,
});
