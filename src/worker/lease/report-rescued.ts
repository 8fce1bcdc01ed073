import type { Log } from '../../log.ts';
import type { Notifier } from '../../queue/notify.ts';
import { attemptFields } from '../../tracing/log-fields.ts';
import { isFinal } from '../../wire.ts';
import type { Rescued } from './rescue.ts';

/** Tells the log what was done with the tasks of a dead worker, and those who wait for one that ended by it. */
export function reportRescued(tasks: readonly Rescued[], notifier: Notifier, log: Log): void {
  for (const { task_id: id, request_id: requestId, worker_id, is_crash, state, ...task } of tasks) {
    const why = is_crash ? 'its worker died' : 'its worker fell silent';
    const what = state === 'queued' ? 'queued again' : state;
    log.warn({ ...attemptFields({ ...task, id, requestId }), lostWorker: worker_id }, `${why}: ${what}`);
  }
  notifier.changed(tasks.map(({ task_id }) => task_id));
  const ended = tasks.filter(({ state }) => isFinal(state)).map(({ task_id }) => task_id);
  if (ended.length > 0) notifier.final(ended);
}
