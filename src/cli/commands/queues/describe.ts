import type { QueueView } from '../../../wire.ts';
import { span } from '../../duration.ts';

/** A queue as a line of a list. */
export const describeQueue = ({
  name,
  waiting,
  waitingIsMore,
  running,
  limits,
  limitsSetBy,
  paused,
}: QueueView) => ({
  queue: name,
  waiting: describeWaiting({ waiting, waitingIsMore }),
  running: `${running ?? '?'}`,
  limits: [describeLimits(limits), limitsSetBy === null ? '' : `(by ${limitsSetBy})`]
    .filter(Boolean)
    .join(' '),
  paused: paused === null ? '' : [paused.by, paused.reason].filter(Boolean).join(': '),
});

/** Three figures are all that an estimate bears. */
export const describeWaiting = ({
  waiting,
  waitingIsMore,
}: Pick<QueueView, 'waiting' | 'waitingIsMore'>): string =>
  waitingIsMore ? `~${Number(waiting.toPrecision(3))}` : `${waiting}`;

export const describeLimits = ({ concurrency, perKey, rate }: QueueView['limits']): string =>
  [
    concurrency === null ? '' : `${concurrency} at a time`,
    perKey === null ? '' : `${perKey} a key`,
    rate === null ? '' : `${rate.limit} in ${span(rate.periodMs)}`,
  ]
    .filter(Boolean)
    .join(', ');
