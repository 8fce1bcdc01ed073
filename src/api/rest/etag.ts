import { createHash } from 'node:crypto';
import type { TaskView } from '../../wire.ts';

/** A weak ETag of a task as shown. The input never changes and can be megabytes: only its presence counts. */
export function etagOf({ input, ...task }: TaskView): string {
  const text = JSON.stringify([task, input !== undefined]);
  return `W/"${createHash('sha1').update(text).digest('base64url')}"`;
}

export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '');
  return ifNoneMatch?.split(',').some((tag) => tag.trim() === '*' || opaque(tag) === opaque(etag)) ?? false;
}
