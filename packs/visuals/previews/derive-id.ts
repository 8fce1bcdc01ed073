import { createHash } from 'node:crypto';

/** A UUID that follows from a task's id: every run of the task comes to the same. */
export function deriveId(taskId: string, what: string): string {
  const bytes = createHash('sha256').update(`${taskId}/${what}`).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
