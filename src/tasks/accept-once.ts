import type { Lovage } from '../lovage.ts';
import { sendOnce } from '../queue/send-once.ts';
import type { NewTask } from '../queue/send.ts';
import { uuidV7 } from '../uuid.ts';
import type { Caller, TaskView } from '../wire.ts';
import { getTask } from './get.ts';
import { idempotencyKeyOf, keyReused, replayRemoved } from './idempotency.ts';
import { viewAccepted } from './view.ts';

/**
 * Accepts a task, or shows the one that stands for it as it is now, marked: under the same idempotency key, or with the same
 * dedupe key.
 * @throws idempotency-key-reused; conflict where what the key stands for was removed.
 */
export async function acceptOnce(
  lovage: Pick<Lovage, 'pool' | 'db' | 'notifier' | 'idempotencyTtlMs'>,
  caller: Caller,
  task: NewTask,
  {
    idempotencyKey = '',
    inputText,
    ...request
  }: { idempotencyKey?: string | undefined; inputText?: Uint8Array | undefined },
): Promise<TaskView> {
  const key = idempotencyKey === '' ? null : idempotencyKeyOf(lovage, caller, idempotencyKey, request);
  const sent = await sendOnce(lovage.pool, { task: { ...task, id: task.id ?? uuidV7() }, key, inputText });
  switch (sent.outcome) {
    case 'added':
      lovage.notifier.ready(task.queue);
      return viewAccepted(sent.row, sent.row.due_at > sent.row.created_at);
    case 'reused':
      throw keyReused(idempotencyKey);
    case 'replayed':
      if (sent.id === null) throw replayRemoved(idempotencyKey);
      return { ...(await getTask(lovage, caller, sent.id)), replayed: true };
    case 'deduplicated':
      return { ...(await getTask(lovage, caller, sent.id ?? '')), deduplicated: true };
  }
}
