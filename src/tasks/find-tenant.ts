import { eq } from 'drizzle-orm';
import { task } from '../db/schema/task.ts';
import type { Lovage } from '../lovage.ts';
import { taskNotFound } from './get.ts';
import { isTaskId } from './view.ts';

/** Whose task this is, for those who may see it by its id alone. @throws task-not-found. */
export async function findTenant({ db }: Pick<Lovage, 'db'>, id: string): Promise<string> {
  if (!isTaskId(id)) throw taskNotFound(id);
  const [row] = await db.select({ tenant: task.tenant }).from(task).where(eq(task.id, id));
  if (!row) throw taskNotFound(id);
  return row.tenant;
}
