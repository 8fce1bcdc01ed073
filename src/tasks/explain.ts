import type { Lovage } from '../lovage.ts';
import type { Caller, ExplanationView, TaskState } from '../wire.ts';
import { taskNotFound } from './get.ts';
import { isTaskId } from './view.ts';

interface ReasonRow {
  state: TaskState;
  reason: string;
  since: Date;
  detail: string;
}

/** Why a task is not running now, the most decisive reason first. @throws task-not-found */
export async function explainTask(
  { pool }: Pick<Lovage, 'pool'>,
  caller: Pick<Caller, 'tenant'>,
  id: string,
): Promise<ExplanationView> {
  if (!isTaskId(id)) throw taskNotFound(id);
  // One statement, so that state and reasons are of the same moment.
  const { rows } = await pool.query<ReasonRow>({
    name: 'lovage_explain',
    text: `SELECT CASE WHEN t.state = 'queued' AND t.due_at > now() THEN 'scheduled' ELSE t.state::text END AS state,
                  why.reason, why.since, why.detail
           FROM lovage.any_task($1) t
           CROSS JOIN LATERAL lovage.explain(t.id) WITH ORDINALITY AS why (reason, since, detail, position)
           WHERE t.tenant = $2
           ORDER BY why.position`,
    values: [id, caller.tenant],
  });
  const [first] = rows;
  if (!first) throw taskNotFound(id);
  const reasons = rows.map(({ reason, since, detail }) => ({ reason, since: since.toISOString(), detail }));
  return { id: id.toLowerCase(), state: first.state, reasons };
}
