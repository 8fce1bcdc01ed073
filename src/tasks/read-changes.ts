import type { Executor } from '../db/connect.ts';
import type { EventOfTask, StreamedTask } from '../wire/streams.ts';
import { viewEvent, type EventRow } from './events.ts';
import type { Position } from './position.ts';
import { PAGE } from './read-stream.ts';

export interface StreamFilter {
  name?: string | undefined;
  queue?: string | undefined;
  tag?: string | undefined;
}

export interface Change {
  event: EventOfTask;
  at: NonNullable<Position['last']>;
}

/** Of the next events after a position those that pass, and where that leads. */
export interface Changes {
  passed: Change[];
  next: Position;
  /** Nothing more was there to be seen. */
  isAll: boolean;
}

interface ChangeRow extends EventRow {
  snapshot: string;
  xid: string | null;
  taskId: string;
  task: StreamedTask | null;
}

/** One page: it is bounded by what is looked at, not by what passes. */
export async function readChanges(
  executor: Executor,
  tenant: string,
  filter: StreamFilter,
  { since, upTo, last }: Position,
): Promise<Changes> {
  const { rows } = await executor.query<ChangeRow>({
    name: 'lovage_changes',
    // One statement: the snapshot is the one that the events were read in.
    text: `SELECT pg_current_snapshot()::text AS snapshot, e.xid::text AS xid, e.task_id AS "taskId", e.number, e.type, e.attempt,
                  e.at, CASE WHEN t.id IS NOT NULL THEN e.data END AS data,
                  CASE WHEN t.id IS NOT NULL THEN jsonb_build_object(
                    'id', t.id, 'name', t.name, 'queue', t.queue, 'tags', t.tags, 'batchId', t.batch_id,
                    'state', CASE WHEN t.state = 'queued' AND t.due_at > now() THEN 'scheduled' ELSE t.state::text END)
                  END AS task
           FROM (SELECT 1) AS always
           LEFT JOIN lovage.events_since($5::text::pg_snapshot, $6::text::pg_snapshot, $7::text::xid8, $8, $9, ${PAGE}) e
             ON true
           LEFT JOIN LATERAL (SELECT * FROM lovage.task w WHERE w.id = e.task_id OFFSET 0) t
             ON t.tenant = $1 AND ($2::text IS NULL OR t.name = $2) AND ($3::text IS NULL OR t.queue = $3)
                AND ($4::text IS NULL OR $4 = ANY (t.tags))
           ORDER BY e.xid, e.task_id, e.number`,
    values: [
      tenant,
      filter.name ?? null,
      filter.queue ?? null,
      filter.tag ?? null,
      since,
      upTo ?? null,
      last?.xid ?? null,
      last?.taskId ?? null,
      last?.number ?? null,
    ],
  });
  const [first] = rows;
  if (!first) throw new Error('a SELECT of one row returned none');
  const window = upTo ?? first.snapshot;
  const seen = rows.flatMap(({ snapshot: _snapshot, xid, taskId, task, ...event }) =>
    xid === null ? [] : [{ task, event, at: { xid, taskId, number: event.number } }],
  );
  const end = seen.at(-1);
  const isWindowOver = seen.length < PAGE || end === undefined;
  return {
    passed: seen.flatMap(({ task, event, at }) =>
      task === null ? [] : [{ event: { task, ...viewEvent(event) }, at }],
    ),
    next: isWindowOver ? { since: window } : { since, upTo: window, last: end.at },
    // A window that was begun before now may not be the last.
    isAll: isWindowOver && upTo === undefined,
  };
}

/** Where the history ends now. */
export async function readNow(executor: Executor): Promise<string> {
  const { rows } = await executor.query<{ now: string }>({
    name: 'lovage_snapshot',
    text: 'SELECT pg_current_snapshot()::text AS now',
  });
  return rows[0]?.now ?? '1:1:';
}
