import { randomUUID } from 'node:crypto';

const SEQUENCE_END = 4096;
let lastMs = 0;
let sequence = 0;

/** A UUID v7: those of one process sort by when they were made, also within a millisecond. */
export function uuidV7(): string {
  const now = Date.now();
  sequence += 1;
  if (now > lastMs || sequence === SEQUENCE_END) {
    lastMs = Math.max(now, lastMs + 1);
    sequence = 0;
  }
  const time = lastMs.toString(16).padStart(12, '0');
  const order = sequence.toString(16).padStart(3, '0');
  // Variant and noise are those of a v4, which Node makes in bulk.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${order}-${randomUUID().slice(19)}`;
}
