import { LovageError, type Fault } from '../errors.ts';
import { findUnstorable } from '../json/unstorable.ts';
import type { Lovage } from '../lovage.ts';
import { addBatch } from '../queue/batches.ts';
import type { NewTask } from '../queue/send.ts';
import { sealCallback, type Callback } from '../webhooks/callback.ts';
import { findDefinition, newTask, type EnqueueRequest } from '../tasks/enqueue.ts';
import type { Caller } from '../wire.ts';
import type { AcceptedBatchView } from '../wire/batches.ts';
import { newFollowUp, type FollowUpRequest } from './follow-up.ts';
import { viewBatch } from './view.ts';

export interface BatchRequest {
  /** 1 to 1,000. */
  tasks: readonly EnqueueRequest[];
  label?: string | undefined;
  /** Started once, when all tasks are final, with `{batchId, input, results}` as its input. */
  then?: FollowUpRequest | undefined;
  /** Where to tell of its end. */
  callback?: Callback | undefined;
}

const MAX_FAULTS = 100;

/**
 * Accepts tasks together: all of them are committed when this resolves, or none is.
 * @throws validation with a pointer per fault, such as `/tasks/3/input/ticker`; nothing is written then.
 */
export async function createBatch(
  lovage: Pick<Lovage, 'config' | 'pool' | 'notifier' | 'secret' | 'egress'>,
  caller: Caller,
  request: BatchRequest,
): Promise<AcceptedBatchView> {
  const faults: Fault[] = [];
  const tasks: NewTask[] = [];
  for (const [place, one] of request.tasks.entries()) {
    const task = await checked(`/tasks/${place}`, faults, () => newMember(lovage, caller, one));
    if (task) tasks.push(task);
    if (faults.length >= MAX_FAULTS) break;
  }
  const { then, callback } = request;
  const followUp = then && (await checked('/then', faults, () => newFollowUp(lovage, caller, then)));
  const sealed = callback && (await checked('', faults, async () => seal(lovage, callback)));
  if (faults.length > 0) {
    throw new LovageError('validation', 'the batch does not fit; nothing of it was accepted', {
      faults: faults.slice(0, MAX_FAULTS),
    });
  }
  const { label = null } = request;
  const entry = { tenant: caller.tenant, label, createdBy: caller.actor, followUp, callback: sealed };
  const added = await addBatch(lovage.pool, entry, tasks).catch((error: unknown) => {
    throw explainRefusal(error, request.tasks);
  });
  for (const queue of new Set(tasks.map((task) => task.queue))) lovage.notifier.ready(queue);
  const queued = tasks.length - added.scheduled;
  const batch = viewBatch({
    id: added.id,
    label,
    size: tasks.length,
    follow_up_id: null,
    created_by: caller.actor,
    created_at: added.createdAt,
    cancel_requested_at: null,
    finished_at: null,
    counts: { queued, scheduled: added.scheduled },
  });
  return { ...batch, taskIds: added.taskIds };
}

async function newMember(
  lovage: Pick<Lovage, 'config' | 'secret' | 'egress'>,
  caller: Caller,
  { name, ...request }: EnqueueRequest,
): Promise<NewTask> {
  if (request.delayMs !== undefined && request.runAt !== undefined) {
    const faults = [{ pointer: 'runAt', detail: 'cannot come together with delayMs' }];
    throw new LovageError('validation', 'delayMs and runAt exclude each other', { faults });
  }
  const task = await newTask(findDefinition(lovage, name), caller, request);
  return request.callback ? { ...task, callback: seal(lovage, request.callback) } : task;
}

/** What `make` refuses becomes faults at its place in the request. */
async function checked<Made>(
  place: string,
  faults: Fault[],
  make: () => Promise<Made>,
): Promise<Made | undefined> {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof LovageError)) throw error;
    if (error.code === 'unknown-task-name') faults.push({ pointer: `${place}/name`, detail: error.message });
    else if (error.code === 'validation') faults.push(...error.faults.map((fault) => placed(place, fault)));
    else throw error;
    return undefined;
  }
}

/** A pointer goes into the input, or is the name of an option. */
const placed = (place: string, { pointer, detail }: Fault): Fault => ({
  pointer: pointer === '' || pointer.startsWith('/') ? `${place}/input${pointer}` : `${place}/${pointer}`,
  detail,
});

/** Its faults are an option's, not the input's. */
function seal(lovage: Pick<Lovage, 'secret' | 'egress'>, callback: Callback): NewTask['callback'] {
  try {
    return sealCallback(lovage, callback);
  } catch (error) {
    if (!(error instanceof LovageError) || error.code !== 'validation') throw error;
    const faults = error.faults.map(({ pointer, detail }) => ({ pointer: pointer.slice(1), detail }));
    throw new LovageError('validation', error.message, { faults, cause: error });
  }
}

/** Where Postgres refused an input for what jsonb cannot hold, its caller learns the place. */
function explainRefusal(error: unknown, tasks: BatchRequest['tasks']): unknown {
  const faults = tasks.flatMap(({ input }, place) =>
    findUnstorable(input, { text: true, depth: true }).map((fault) => placed(`/tasks/${place}`, fault)),
  );
  if (faults.length === 0) return error;
  return new LovageError('validation', 'an input cannot be stored', {
    faults: faults.slice(0, MAX_FAULTS),
    cause: error,
  });
}
