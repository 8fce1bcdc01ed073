import type { Executor } from '../db/connect.ts';
import type { ScheduleView } from '../wire/schedules.ts';
import { RUNNABLE, ruleOf, type ScheduleRow } from './rows.ts';
import { nextOccurrence } from './rule.ts';

interface ShownRow extends ScheduleRow {
  source: ScheduleView['source'];
  nextAt: Date | null;
  /** It came due while it was paused, and no worker has passed over it yet. */
  wasPaused: boolean;
  now: Date;
  lastAt: Date | null;
  lastTaskId: string | null;
  lastError: string | null;
  pausedAt: Date | null;
  pausedBy: string | null;
  createdBy: string | null;
  createdAt: Date;
  updatedAt: Date;
}

const SELECT = `
  SELECT ${RUNNABLE}, s.source, s.next_at AS "nextAt", coalesce(s.next_at <= s.resumed_at, false) AS "wasPaused",
         now() AS now, s.last_at AS "lastAt", s.paused_at AS "pausedAt", s.paused_by AS "pausedBy",
         s.created_by AS "createdBy", s.created_at AS "createdAt", s.updated_at AS "updatedAt",
         ran.task_id AS "lastTaskId", last.error AS "lastError"
  FROM lovage.schedule s
  LEFT JOIN LATERAL (SELECT r.error FROM lovage.schedule_run r WHERE r.schedule_id = s.id AND r.kind <> 'by_hand'
                     ORDER BY r.occurrence DESC LIMIT 1) last ON true
  LEFT JOIN LATERAL (SELECT r.task_id FROM lovage.schedule_run r WHERE r.schedule_id = s.id AND r.task_id IS NOT NULL
                     ORDER BY r.occurrence DESC LIMIT 1) ran ON true`;

export async function findSchedule(
  executor: Executor,
  tenant: string,
  name: string,
): Promise<ScheduleView | undefined> {
  const { rows } = await executor.query<ShownRow>(`${SELECT} WHERE s.tenant = $1 AND s.name = $2`, [
    tenant,
    name,
  ]);
  const [row] = rows;
  return row && { ...(await view(row)), input: row.input };
}

/** By name, from behind `after`, without their inputs. */
export async function selectSchedules(
  executor: Executor,
  page: { tenant: string; after: string; limit: number },
): Promise<ScheduleView[]> {
  const { rows } = await executor.query<ShownRow>(
    `${SELECT} WHERE s.tenant = $1 AND s.name COLLATE "C" > $2 ORDER BY s.name COLLATE "C" LIMIT $3`,
    [page.tenant, page.after, page.limit],
  );
  return Promise.all(rows.map(view));
}

async function view(row: ShownRow): Promise<ScheduleView> {
  const state = row.pausedAt ? 'paused' : row.nextAt ? 'active' : 'ended';
  const nextAt = row.wasPaused ? await nextOccurrence(ruleOf(row), row.now) : row.nextAt;
  return {
    name: row.name,
    task: row.taskName,
    cron: row.kind === 'cron' ? row.expression : null,
    rrule: row.kind === 'rrule' ? row.expression : null,
    timeZone: row.timeZone,
    missed: row.missed,
    priority: row.options.priority ?? null,
    tags: [...(row.options.tags ?? [])],
    state,
    nextAt: state === 'active' ? isoOrNull(nextAt) : null,
    lastAt: isoOrNull(row.lastAt),
    lastTaskId: row.lastTaskId,
    lastError: row.lastError,
    source: row.source,
    pausedAt: isoOrNull(row.pausedAt),
    pausedBy: row.pausedBy,
    createdBy: row.createdBy,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

const isoOrNull = (date: Date | null): string | null => date?.toISOString() ?? null;
