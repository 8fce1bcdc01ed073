import { LovageError, type Fault } from '../errors.ts';
import { findUnstorable } from '../json/unstorable.ts';
import type { Lovage } from '../lovage.ts';
import { inTransaction } from '../db/in-transaction.ts';
import { addBatch, taskIdsOf, type AddedBatch, type NewBatch } from '../queue/batches.ts';
import type { NewTask } from '../queue/send.ts';
import { findDefinition, newTask, type EnqueueRequest } from '../tasks/enqueue.ts';
import { idempotencyKeyOf, keyReused, takeIdempotencyKey } from '../tasks/idempotency.ts';
import { uuidV7 } from '../uuid.ts';
import { traceSend } from '../tracing/spans.ts';
import { sealCallback, type Callback } from '../webhooks/callback.ts';
import type { Caller } from '../wire.ts';
import type { AcceptedBatchView } from '../wire/batches.ts';
import { newFollowUp, type FollowUpRequest } from './follow-up.ts';
import { getBatch } from './get.ts';
import { viewBatch } from './view.ts';

export interface BatchRequest {
  /** 1 to 1,000. */
  tasks: readonly EnqueueRequest[];
  label?: string | undefined;
  /** Started once, when all tasks are final, with `{batchId, input, results}` as its input. */
  then?: FollowUpRequest | undefined;
  /** Where to tell of its end. */
  callback?: Callback | undefined;
  /** The caller's own: the same request under it again, within a day, is answered with the first one's batch. */
  idempotencyKey?: string | undefined;
}

const MAX_FAULTS = 100;

/**
 * Accepts tasks together: all of them are committed when this resolves, or none is.
 * @throws validation with a pointer per fault, such as `/tasks/3/input/ticker`; nothing is written then.
 */
export async function createBatch(
  lovage: Pick<Lovage, 'config' | 'pool' | 'notifier' | 'secret' | 'egress' | 'idempotencyTtlMs'>,
  caller: Caller,
  request: BatchRequest,
): Promise<AcceptedBatchView> {
  const faults: Fault[] = [];
  const tasks: NewTask[] = [];
  for (const [place, one] of request.tasks.entries()) {
    const { callback: of, ...rest } = one;
    const task = await checked(`/tasks/${place}`, faults, () => newMember(lovage, caller, rest));
    const callback = of && (await sealedCallback(lovage, `/tasks/${place}`, faults, of));
    if (task) tasks.push({ ...task, ...(callback && { callback }) });
    if (faults.length >= MAX_FAULTS) break;
  }
  const { then, callback } = request;
  const followUp = then && (await checked('/then', faults, () => newFollowUp(lovage, caller, then)));
  const sealed = callback && (await sealedCallback(lovage, '', faults, callback));
  if (faults.length > 0) {
    throw new LovageError('validation', 'the batch does not fit; nothing of it was accepted', {
      faults: faults.slice(0, MAX_FAULTS),
    });
  }
  const { label = null } = request;
  const entry = { tenant: caller.tenant, label, createdBy: caller.actor, followUp, callback: sealed };
  const queue = tasks[0]?.queue ?? '';
  const sending = { queue, count: tasks.length, trace: caller.origin?.trace };
  const added = await traceSend(sending, (trace) => {
    const traced = { ...entry, ...(followUp && { followUp: { ...followUp, trace } }) };
    const all = tasks.map((task) => ({ ...task, trace }));
    return addOnce(lovage, caller, request, traced, all);
  }).catch((error: unknown) => {
    throw explainRefusal(error, request.tasks);
  });
  if ('replay' in added) return added.replay;
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

/** Under an idempotency key that came before, what that made. */
async function addOnce(
  lovage: Pick<Lovage, 'pool' | 'idempotencyTtlMs'>,
  caller: Caller,
  { idempotencyKey, ...request }: BatchRequest,
  entry: NewBatch,
  tasks: readonly NewTask[],
): Promise<AddedBatch | { replay: AcceptedBatchView }> {
  if (idempotencyKey === undefined) return addBatch(lovage.pool, entry, tasks);
  const key = idempotencyKeyOf(lovage, caller, idempotencyKey, request);
  const id = uuidV7();
  const made = await inTransaction(lovage.pool, async (tx) => {
    const taken = await takeIdempotencyKey(tx, caller, key, { batchId: id });
    return taken.isReplay ? taken : addBatch(tx, { ...entry, id }, tasks);
  });
  if (!('isReplay' in made)) return made;
  if (made.batchId === null) throw keyReused(idempotencyKey);
  const batch = await getBatch(lovage, caller, made.batchId);
  return { replay: { ...batch, taskIds: await taskIdsOf(lovage.pool, made.batchId), replayed: true } };
}

async function newMember(
  lovage: Pick<Lovage, 'config'>,
  caller: Caller,
  { name, ...request }: EnqueueRequest,
): Promise<NewTask> {
  if (request.delayMs !== undefined && request.runAt !== undefined) {
    const faults = [{ pointer: 'runAt', detail: 'cannot come together with delayMs' }];
    throw new LovageError('validation', 'delayMs and runAt exclude each other', { faults });
  }
  return newTask(findDefinition(lovage, name), caller, request);
}

/** What `make` refuses becomes faults at its place in the request. */
async function checked<Made>(
  place: string,
  faults: Fault[],
  make: () => Promise<Made>,
  pointTo = placed,
): Promise<Made | undefined> {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof LovageError)) throw error;
    if (error.code === 'unknown-task-name') faults.push({ pointer: `${place}/name`, detail: error.message });
    else if (error.code === 'validation') faults.push(...error.faults.map((fault) => pointTo(place, fault)));
    else throw error;
    return undefined;
  }
}

/** Its pointers begin with its own name. */
const sealedCallback = (
  lovage: Pick<Lovage, 'secret' | 'egress'>,
  place: string,
  faults: Fault[],
  callback: Callback,
) =>
  checked(
    place,
    faults,
    async () => sealCallback(lovage, callback),
    (_place, { pointer, detail }) => ({ pointer: `${place}${pointer}`, detail }),
  );

/** A pointer goes into the input, or is the name of an option. */
const placed = (place: string, { pointer, detail }: Fault): Fault => ({
  pointer: pointer === '' || pointer.startsWith('/') ? `${place}/input${pointer}` : `${place}/${pointer}`,
  detail,
});

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
