import pg from 'pg';
import type { Signs } from './rescue.ts';

export interface LeaseHolder {
  /** A connection of its own, to Postgres itself. */
  url: string;
  workerId: string;
  /** The number of its advisory lock. */
  key: string;
}

export interface Look {
  isSameBackend: boolean;
  /** Somebody wants this worker to end. */
  isToDrain: boolean;
  verdicts: ('suspect' | 'crashed' | 'lost')[];
}

/** No answer for so long: another connection may be quicker. */
const ANSWER_MS = 3_000;
/** One who looks whether the lock is free holds it for a moment. */
const LOCK_MS = 1_000;

const MY_LOCK = `l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.mode = 'ExclusiveLock'
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (l.classid::bigint << 32) | l.objid::bigint = $1::bigint`;

/** One connection's worth of a lease. Every method rejects when the connection fails. */
export class LeaseSession {
  /** Rejects when the connection is lost. */
  readonly lost: Promise<never>;
  readonly #client: pg.Client;
  readonly #holder: LeaseHolder;
  #epoch = '';
  #pid = 0;
  #hasLock = false;

  constructor(holder: LeaseHolder) {
    this.#holder = holder;
    this.#client = new pg.Client({
      connectionString: holder.url,
      application_name: 'lovage lease',
      connectionTimeoutMillis: ANSWER_MS,
      query_timeout: ANSWER_MS,
      keepAlive: true,
    });
    this.lost = new Promise((_resolve, reject) => {
      this.#client.on('error', reject);
      this.#client.on('end', () => reject(new Error('Connection terminated')));
    });
    this.lost.catch(() => undefined);
  }

  /** It holds its lock, as far as it knows: else it goes by its heartbeat alone. */
  get hasLock(): boolean {
    return this.#hasLock;
  }

  async open(): Promise<void> {
    await this.#client.connect();
    const { rows } = await this.#client.query<{ pid: number; epoch: string }>(
      'SELECT pg_backend_pid() AS pid, lovage.see_server() AS epoch',
    );
    [{ pid: this.#pid, epoch: this.#epoch } = { pid: 0, epoch: '' }] = rows;
  }

  /**
   * Takes the lock, also from an earlier connection of this worker whose loss the server has not noticed. It stays without
   * where statements go to changing backends or the lock does not outlive its transaction: a pooler stands between.
   */
  async takeLock(): Promise<void> {
    const { key } = this.#holder;
    await this.#client.query(
      `SELECT pg_terminate_backend(l.pid) FROM pg_locks l WHERE ${MY_LOCK} AND l.pid <> pg_backend_pid()`,
      [key],
    );
    await this.#client.query(
      `BEGIN; SET LOCAL lock_timeout = ${LOCK_MS}; SELECT pg_advisory_lock(${BigInt(key)}); COMMIT`,
    );
    const { rows } = await this.#client.query(
      `SELECT FROM pg_locks l WHERE ${MY_LOCK} AND l.pid = pg_backend_pid() AND l.pid = $2`,
      [key, this.#pid],
    );
    this.#hasLock = rows.length > 0;
  }

  /** Says that the worker lives. True when others had taken it for dead meanwhile. */
  async renew(rssBytes: number): Promise<{ wasLost: boolean }> {
    const { workerId, key } = this.#holder;
    const { rows } = await this.#client.query<{ was_lost: boolean; is_same: boolean }>({
      text: `UPDATE lovage.worker w
             SET heartbeat_at = now(), lease_epoch = $2, rss_bytes = $3, suspect_at = NULL, lost_at = NULL,
                 lease_key = CASE WHEN pg_backend_pid() = $4 THEN $5::bigint END
             FROM (SELECT id, lost_at IS NOT NULL AS was_lost FROM lovage.worker WHERE id = $1 FOR UPDATE) before
             WHERE w.id = before.id RETURNING before.was_lost, pg_backend_pid() = $4 AS is_same`,
      values: [workerId, this.#epoch, rssBytes, this.#pid, this.#hasLock ? key : null],
    });
    const [row] = rows;
    if (!row) {
      throw new Error(
        `worker ${workerId} has no row in lovage.worker: does LOVAGE_DIRECT_URL lead to another database?`,
      );
    }
    if (!row.is_same) this.#hasLock = false;
    return { wasLost: row.was_lost };
  }

  /** What there is to say of the other workers, and to this one. */
  async look({ deadlineMs, patienceMs }: Signs): Promise<Look> {
    const { rows } = await this.#client.query<Look>({
      text: `SELECT pg_backend_pid() = $5 AS "isSameBackend",
               EXISTS (SELECT FROM lovage.worker o WHERE o.id = $4 AND o.drain_requested_at IS NOT NULL) AS "isToDrain", ARRAY(
               SELECT w.verdict FROM lovage.watch_workers($1, $2 * interval '1 ms', $3 * interval '1 ms', $4) w) AS verdicts`,
      values: [this.#epoch, deadlineMs, patienceMs, this.#holder.workerId, this.#pid],
    });
    return rows[0] ?? { isSameBackend: false, isToDrain: false, verdicts: [] };
  }

  /** Never waits for the server. */
  close(): void {
    this.#client.end().catch(() => undefined);
  }
}
