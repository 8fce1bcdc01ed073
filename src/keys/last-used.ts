import type pg from 'pg';

/** Says when keys were last used, to the minute and off the path of requests. */
export interface UseRecorder {
  used(keyId: string): void;
}

const NOTED_EVERY_MS = 60_000;
const GATHER_MS = 250;

/** Each key once a minute at most, all that were used in the same moment in one statement. */
export function createUseRecorder(pool: pg.Pool): UseRecorder {
  const notedAt = new Map<string, number>();
  let fresh: string[] = [];

  async function write(): Promise<void> {
    const ids = fresh;
    fresh = [];
    const now = performance.now();
    for (const [id, at] of notedAt) if (now - at > NOTED_EVERY_MS) notedAt.delete(id);
    // In order, and past what another node writes at this moment: no two wait for each other.
    await pool
      .query({
        name: 'lovage_key_used',
        text: `UPDATE lovage.api_key SET last_used_at = now() WHERE id IN (
                 SELECT id FROM lovage.api_key
                 WHERE id = ANY ($1::uuid[]) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 min')
                 ORDER BY id FOR UPDATE SKIP LOCKED)`,
        values: [ids],
      })
      .catch(() => {
        for (const id of ids) notedAt.delete(id);
      });
  }

  return {
    used(keyId) {
      const at = notedAt.get(keyId);
      if (at !== undefined && performance.now() - at < NOTED_EVERY_MS) return;
      notedAt.set(keyId, performance.now());
      if (fresh.push(keyId) === 1) setTimeout(() => void write(), GATHER_MS).unref();
    },
  };
}
