import { until, type Lab } from '../lab.ts';

/** The table into which the tasks of `execution.writes` write with their success. */
export const createEffects = (lab: Lab) =>
  lab.sql('CREATE TABLE test_effect (task_id uuid NOT NULL, step int NOT NULL, attempt int NOT NULL)');

/** `step attempt` of each row that a task has written. */
export async function effectsOf(lab: Lab, taskId: string): Promise<string[]> {
  const rows = await lab.sql<{ effect: string }>(
    `SELECT step || ' ' || attempt AS effect FROM test_effect WHERE task_id = $1 ORDER BY 1`,
    [taskId],
  );
  return rows.map(({ effect }) => effect);
}

export const whenReporting = (lab: Lab, id: string) =>
  until(
    () => lab.get(id),
    (task) => task.progress !== null,
  );
