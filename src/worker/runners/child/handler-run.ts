import { serialize } from 'node:v8';
import type pg from 'pg';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Config } from '../../../config.ts';
import { Discard } from '../../../errors.ts';
import type { Log } from '../../../log.ts';
import type { StopReason } from '../../../stop-reasons.ts';
import type { AnyTask, RunContext } from '../../../task.ts';
import { withTrace } from '../../../tracing/spans.ts';
import { headersOfTrace } from '../../../tracing/trace-context.ts';
import type { Vaults } from '../../../vault.ts';
import type { SettleAlone } from '../../attempt/attempt.ts';
import { callHandler } from '../../attempt/call-handler.ts';
import { Children } from '../../attempt/children.ts';
import { judge } from '../../attempt/retry-policy.ts';
import { HandlerWrites } from '../../settle/settle-alone.ts';
import type { FromChild, ToChild } from '../messages.ts';
import { HandlerReports } from './handler-reports.ts';

/** More is refused here, so that it does not fill the worker's memory first. What may be stored is far less. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** What the handlers of this process share. */
export interface HandlerHome {
  tasks: Config['tasks'];
  vaults: Vaults;
  db: NodePgDatabase;
  settlePool: pg.Pool;
  log: Log;
  tell: (message: FromChild) => void;
}

/** One attempt in this process: the call of its handler, and afterwards its success with the handler's own writes. */
export class HandlerRun {
  isRunning = true;
  readonly #message: Extract<ToChild, { type: 'run' }>;
  readonly #home: HandlerHome;
  readonly #controller = new AbortController();
  readonly #writes: HandlerWrites;
  readonly #definition: AnyTask;

  constructor(message: Extract<ToChild, { type: 'run' }>, home: HandlerHome) {
    this.#message = message;
    this.#home = home;
    const definition = home.tasks.get(message.name);
    if (!definition) throw new Error(`the child process does not know the task "${message.name}"`);
    this.#definition = definition;
    this.#writes = new HandlerWrites(this.#judged);
  }

  async finish(): Promise<{ output: Uint8Array; hasWrites: boolean }> {
    const { id, tenant, attempt, name, queue, input, trace } = this.#message;
    const { vaults, db, settlePool, tell } = this.#home;
    const reports = new HandlerReports(tell);
    const children = new Children(settlePool, this.#message);
    try {
      tell({ type: 'began' });
      const run: RunContext<unknown> = {
        input,
        id,
        ...headersOfTrace(trace),
        tenant,
        attempt,
        signal: this.#controller.signal,
        db,
        vault: vaults(name),
        onSettle: this.#writes.add,
        progress: reports.progress,
        log: reports.log,
        enqueue: children.enqueue,
        waitFor: children.waitFor,
      };
      const output = await withTrace(trace, () => callHandler(this.#definition, this.#judged, run));
      children.refuseSwallowed();
      return { output: pack(output), hasWrites: this.#writes.settling(settlePool, queue) !== undefined };
    } finally {
      this.isRunning = false;
      reports.end();
    }
  }

  stop(reason: StopReason): void {
    this.#controller.abort(reason);
  }

  readonly #judged = (error: unknown): unknown => {
    const stopReason = this.#controller.signal.reason as StopReason | undefined;
    return judge(error, this.#definition, { stopReason, log: this.#home.log });
  };

  async settle(...of: Parameters<SettleAlone>): Promise<string | null> {
    const settle = this.#writes.settling(this.#home.settlePool, this.#message.queue);
    return (await settle?.(...of)) ?? null;
  }
}

function pack(output: unknown): Uint8Array {
  const packed = serialized(output);
  if (packed.byteLength <= MAX_OUTPUT_BYTES) return packed;
  throw new Discard(`the output is over ${MAX_OUTPUT_BYTES} bytes`, { code: 'output_too_large' });
}

function serialized(output: unknown): Uint8Array {
  try {
    return serialize(output);
  } catch (error) {
    const message = 'the output cannot be sent between processes: return plain data';
    throw new Discard(message, { code: 'output_invalid', cause: error });
  }
}
