import pg from 'pg';
import { type AuditRow, writeAuditRow } from '../db/audit-rows.ts';
import { isPassing, retryConflicts } from '../db/failures.ts';
import type { AcceptedRow } from '../db/rows.ts';
import { LovageError } from '../errors.ts';
import { uuidV7 } from '../uuid.ts';
import { sendLarge, withoutInput } from './send-once.ts';
import { sendJson, type NewTask } from './send.ts';

export interface SenderOptions {
  /** Tasks that may share a commit. Default 200. */
  maxGroup?: number;
  /** Groups under way at a time. Default 2. */
  lanes?: number;
  /** What has waited longer is refused: its caller has been answered by then. Default 3 s. */
  maxWaitMs?: number;
  /** Beyond so much JSON new tasks are refused: memory is not where they should wait. Default 64 Mi. */
  maxWaitingChars?: number;
}

const MAX_GROUP = 200;
const LANES = 2;
/** A group is no longer than this, unless one task alone is. */
const MAX_GROUP_CHARS = 1024 * 1024;
const MAX_WAITING_CHARS = 64 * 1024 * 1024;
const MAX_WAIT_MS = 3_000;

interface Waiting {
  id: string;
  json: string;
  /** Its input, where that is not in `json`: such a task goes alone. */
  inputText: Uint8Array | undefined;
  note: string | undefined;
  size: number;
  since: number;
  accept: (row: AcceptedRow) => void;
  refuse: (error: unknown) => void;
}

/**
 * Accepts tasks, many in one statement and so in one commit: those of one turn of the event loop, and those that come while
 * the groups before them are under way. A lone one goes at once. A group that Postgres refuses is split until the bad task
 * stands alone; one whose answer was lost is not sent again.
 */
export class Sender {
  readonly #pool: pg.Pool;
  readonly #maxGroup: number;
  readonly #lanes: number;
  readonly #maxWaitMs: number;
  readonly #maxWaitingChars: number;
  #waiting: Waiting[] = [];
  #waitingChars = 0;
  #busy = 0;
  #startQueued = false;

  constructor(pool: pg.Pool, options: SenderOptions = {}) {
    this.#pool = pool;
    this.#maxGroup = options.maxGroup ?? MAX_GROUP;
    this.#lanes = options.lanes ?? LANES;
    this.#maxWaitMs = options.maxWaitMs ?? MAX_WAIT_MS;
    this.#maxWaitingChars = options.maxWaitingChars ?? MAX_WAITING_CHARS;
  }

  /**
   * Resolves once the task is committed, and with it its note, a line of the audit log: both or neither.
   * @throws what Postgres said, or queue-unavailable where it was not asked.
   */
  send(task: NewTask, inputText?: Uint8Array, noteRow?: AuditRow): Promise<AcceptedRow> {
    const id = task.id ?? uuidV7();
    const json = inputText ? withoutInput({ ...task, id }) : JSON.stringify({ ...task, id });
    const note = noteRow && writeAuditRow(noteRow);
    const size = json.length + (inputText?.byteLength ?? 0) + (note?.length ?? 0);
    return new Promise((accept, refuse) => {
      if (this.#waitingChars + size > this.#maxWaitingChars) return refuse(tooSlow());
      this.#waiting.push({ id, json, inputText, note, size, since: performance.now(), accept, refuse });
      this.#waitingChars += size;
      this.#startSoon();
    });
  }

  #startSoon(): void {
    if (this.#startQueued || this.#busy >= this.#lanes) return;
    this.#startQueued = true;
    setImmediate(() => {
      this.#startQueued = false;
      while (this.#busy < this.#lanes && this.#waiting.length > 0) void this.#runLane();
    });
  }

  async #runLane(): Promise<void> {
    this.#busy += 1;
    const group = this.#take();
    if (group.length > 0) await this.#send(group);
    this.#busy -= 1;
    if (this.#waiting.length > 0) this.#startSoon();
  }

  #take(): Waiting[] {
    let count = 0;
    let chars = 0;
    for (const { size, inputText } of this.#waiting) {
      const isTooMuch = inputText !== undefined || chars + size > MAX_GROUP_CHARS;
      if (count === this.#maxGroup || (count > 0 && isTooMuch)) break;
      count += 1;
      chars += size;
      if (inputText) break;
    }
    this.#waitingChars -= chars;
    const oldest = performance.now() - this.#maxWaitMs;
    const { late = [], fresh = [] } = Object.groupBy(this.#waiting.splice(0, count), ({ since }) =>
      since < oldest ? 'late' : 'fresh',
    );
    for (const { refuse } of late) refuse(tooSlow());
    return fresh;
  }

  async #send(group: readonly Waiting[]): Promise<void> {
    try {
      const rows = await retryConflicts(() => this.#write(group));
      const byId = new Map(rows.map((row) => [row.id, row]));
      for (const { id, accept, refuse } of group) {
        const row = byId.get(id);
        if (row) accept(row);
        else refuse(new Error(`task ${id} was accepted but no row came back`));
      }
    } catch (error) {
      if (group.length > 1 && isRefusal(error)) return this.#split(group);
      for (const { refuse } of group) refuse(error);
    }
  }

  #write(group: readonly Waiting[]): Promise<AcceptedRow[]> {
    const [first] = group;
    const noted = group.flatMap(({ note }) => note ?? []);
    const notes = noted.length > 0 ? `[${noted.join(',')}]` : undefined;
    if (first?.inputText)
      return sendLarge(this.#pool, { task: first.json, inputText: first.inputText, notes });
    return sendJson(this.#pool, `[${group.map(({ json }) => json).join(',')}]`, notes);
  }

  async #split(group: readonly Waiting[]): Promise<void> {
    const half = Math.ceil(group.length / 2);
    await this.#send(group.slice(0, half));
    await this.#send(group.slice(half));
  }
}

/** Postgres read the group and rolled it back for what is in it, such as one task whose queue was dropped. */
const isRefusal = (error: unknown): boolean => error instanceof pg.DatabaseError && !isPassing(error);

const tooSlow = () =>
  new LovageError(
    'queue-unavailable',
    'Postgres is too slow at the moment; the same request can be sent again',
    {
      retryAfter: 2,
    },
  );
