import type pg from 'pg';
import type { Finding } from './finding.ts';

/** What needs a hand: the view says what, and here stands what helps on the command line. */
export async function examineStuck(pool: pg.Pool): Promise<Finding[]> {
  const { rows } = await pool.query<{ problem: string; id: string | null; what: string; queue: string }>(
    `SELECT problem, id, queue, concat_ws(' ', problem || ':', name, id, detail) AS what FROM lovage.v_stuck ORDER BY lasts DESC NULLS LAST LIMIT 20`,
  );
  return rows.map(({ problem, id, what, queue }) => ({
    state: 'bad',
    what,
    remedy: STUCK_REMEDIES[problem]?.(id ?? '', queue) ?? 'SELECT * FROM lovage.v_stuck tells more',
  }));
}

export const STUCK_REMEDIES: Record<string, (id: string, queue: string) => string> = {
  overdue: (id) => `lovage cancel ${id}, then end its worker’s process`,
  'cancel ignored': () => 'end its worker’s process: the others take over what else ran there',
  'worker silent': () => 'lovage worker: another one takes it over',
  runaway: (id) => `lovage cancel ${id} --reason runaway`,
  poisoned: (id) => `mend its cause, then lovage retry ${id}; until then lovage cancel ${id}`,
  paused: (_, queue) => `lovage resume ${queue}`,
  'not served': (_, queue) => `lovage worker --queues ${queue}`,
  schedule: () => 'a worker that knows its task: lovage worker',
  webhook: () => 'mend the receiver; then lovage webhooks deliveries, and lovage webhooks replay ID',
};
