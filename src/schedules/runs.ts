import type { Lovage } from '../lovage.ts';
import type { Caller, Page } from '../wire.ts';
import type { ScheduleRunView } from '../wire/schedules.ts';
import { scheduleNotFound } from './get.ts';
import { readTextCursor, writeTextCursor, type SchedulePage } from './list.ts';

interface RunRow extends Omit<ScheduleRunView, 'occurrence' | 'at'> {
  occurrence: Date;
  at: Date;
  /** As Postgres has it, to the microsecond. */
  cursor: string;
}

/** What became of a schedule's times, the latest first; the last thousand are kept. @throws schedule-not-found */
export async function listRuns(
  { pool }: Pick<Lovage, 'pool'>,
  caller: Pick<Caller, 'tenant'>,
  name: string,
  page: SchedulePage = {},
): Promise<Page<ScheduleRunView>> {
  const limit = page.limit ?? 50;
  const [before, kind] = page.cursor === undefined ? [null, null] : readRunCursor(page.cursor);
  const schedules = await pool.query<{ id: string }>(
    'SELECT id FROM lovage.schedule WHERE tenant = $1 AND name = $2',
    [caller.tenant, name],
  );
  const [schedule] = schedules.rows;
  if (!schedule) throw scheduleNotFound(name);
  const { rows } = await pool.query<RunRow>(
    `SELECT r.occurrence, r.kind, r.task_id AS "taskId", r.error, r.at,
            (extract(epoch FROM r.occurrence) * 1000000)::bigint || ' ' || r.kind AS cursor
     FROM lovage.schedule_run r
     WHERE r.schedule_id = $1
       AND ($2::bigint IS NULL OR (r.occurrence, r.kind) < (to_timestamp(0) + $2::bigint * interval '1 us', $3))
     ORDER BY r.occurrence DESC, r.kind DESC LIMIT $4`,
    [schedule.id, before, kind, limit + 1],
  );
  const shown = rows.slice(0, limit);
  const items = shown.map(({ cursor: _cursor, occurrence, at, ...run }) => ({
    ...run,
    occurrence: occurrence.toISOString(),
    at: at.toISOString(),
  }));
  return { items, nextCursor: rows.length > limit ? writeTextCursor(shown.at(-1)?.cursor ?? '') : null };
}

function readRunCursor(cursor: string): [before: string, kind: string] {
  const parts = /^(\d{1,17}) (\w{1,20})$/.exec(readTextCursor(cursor));
  // Another list's: it names no place in this one.
  return parts ? [parts[1] ?? '0', parts[2] ?? ''] : ['0', ''];
}
