import { LovageError } from '../errors.ts';
import { isTaskId } from './view.ts';

/**
 * A place in the history of all tasks. What `since` could see was delivered; of what it could not see and `upTo` could, what
 * lies up to `last` in the order (xid, task, number). Both are snapshots of Postgres, `xmin:xmax:xip,…`, so no transaction that
 * was under way can commit behind a place.
 */
export interface Position {
  since: string;
  upTo?: string;
  last?: { xid: string; taskId: string; number: number };
}

/** Of a snapshot with more open transactions only its oldest is kept: what came since is delivered again. */
const MAX_OPEN = 40;

export function writePosition({ since, upTo, last }: Position): string {
  const parts = [shorten(since)];
  if (upTo && last) parts.push(shorten(upTo), last.xid, last.taskId.replaceAll('-', ''), String(last.number));
  return Buffer.from(parts.join(';')).toString('base64url');
}

/** @throws LovageError `validation` for what no stream gave out. */
export function readPosition(cursor: string): Position {
  const [since = '', upTo, xid = '', task = '', number = '', ...more] = Buffer.from(cursor, 'base64url')
    .toString('latin1')
    .split(';');
  const taskId = task.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  if (isSnapshot(since) && upTo === undefined) return { since };
  const isWhole = more.length === 0 && isXid(xid) && isTaskId(taskId) && /^[1-9]\d{0,8}$/.test(number);
  if (isSnapshot(since) && upTo !== undefined && isSnapshot(upTo) && isWhole)
    return { since, upTo, last: { xid, taskId, number: Number(number) } };
  throw badPosition();
}

export const badPosition = (): LovageError =>
  new LovageError('validation', 'the last event id is none that this stream gave out', {
    faults: [{ pointer: 'lastEventId', detail: 'hand back the id of an event as it came' }],
  });

function shorten(snapshot: string): string {
  const [xmin = '', , open = ''] = snapshot.split(':');
  return open.split(',').length > MAX_OPEN ? `${xmin}:${xmin}:` : snapshot;
}

const isXid = (text: string): boolean => /^[1-9]\d{0,17}$/.test(text);

/** Postgres refuses any other. */
function isSnapshot(text: string): boolean {
  const [xmin = '', xmax = '', open, ...more] = text.split(':');
  if (!isXid(xmin) || !isXid(xmax) || open === undefined || more.length > 0) return false;
  const xids = open === '' ? [] : open.split(',');
  if (!xids.every(isXid)) return false;
  const [first, ...rest] = [xmin, ...xids, xmax].map(BigInt);
  // Whoever is open is below the end, and each is above the one before; the oldest open one is the beginning itself.
  return rest.every((xid, at) => {
    const before = at === 0 ? first : rest[at - 1];
    return before !== undefined && (at > 0 && at < rest.length ? xid > before : xid >= before);
  });
}
