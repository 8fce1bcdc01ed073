import type { WebSocket } from 'ws';
import type { Caller } from '../wire.ts';

export const UNAUTHORIZED = 4401;

/** As often a key is looked at again: what was revoked is cut off. */
const RECHECK_MS = 1_500;

/** Calls back once whoever a client stands for may call no more. */
export function recheck(check: () => Promise<Caller | null>, client: WebSocket, onRevoked: () => void): void {
  const timer = setInterval(() => {
    check().then(
      (caller) => caller ?? onRevoked(),
      // Postgres is away: that says nothing about the key.
      () => undefined,
    );
  }, RECHECK_MS).unref();
  client.once('close', () => clearInterval(timer));
}

const MAX_BUFFERED_BYTES = 64 * 1024;
const STALLED_MS = 30_000;
const LOOK_MS = 20;

/** A WebSocket takes all that is sent to it and keeps what the network does not take: so whoever sends waits here. */
export async function drained(client: WebSocket): Promise<void> {
  const giveUpAt = performance.now() + STALLED_MS;
  while (client.bufferedAmount > MAX_BUFFERED_BYTES && client.readyState === client.OPEN) {
    if (performance.now() > giveUpAt) return client.terminate();
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
