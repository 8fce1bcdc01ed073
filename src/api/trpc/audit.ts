import type { AuditEntry } from '../../audit/entry.ts';
import { describeCall } from '../../audit/entry.ts';
import { rowOf } from '../../audit/insert.ts';
import { uuidV7 } from '../../uuid.ts';
import type { CallRecorder, RequestContext } from '../context.ts';
import { toLovageError } from '../errors.ts';

const RUN = 'run.';

export async function recordCall(
  { lovage, caller, patience, trail }: RequestContext,
  path: string,
  getRawInput: () => Promise<unknown>,
): Promise<CallRecorder> {
  const request = await askedFor(path, getRawInput);
  const action = path.startsWith(RUN) ? 'tasks.enqueue' : path;
  const id = uuidV7();
  let isWritten = false;
  const entryOf = (outcome: AuditEntry['outcome'], answer: unknown): AuditEntry => ({
    caller,
    action,
    outcome,
    ...describeCall(request, answer),
  });
  const settle = () => {
    isWritten = true;
    if (trail) trail.isWritten = true;
  };

  async function write(outcome: AuditEntry['outcome'], answer: unknown): Promise<void> {
    if (isWritten) return;
    settle();
    const written = lovage.audit.write(entryOf(outcome, answer), id);
    // Nobody waits for a Postgres that was not there for the call itself.
    if (outcome !== 'queue-unavailable') await patience.spend(written).catch(() => undefined);
  }
  return {
    noteOf: (answer) => ({ row: rowOf(id, entryOf('ok', answer)), settle }),
    done: (answer) => write('ok', answer),
    refused: (error) => write(toLovageError(error).code, undefined),
  };
}

/** `run.filings.analyze` says in its path what `tasks.enqueue` says in its input. */
async function askedFor(path: string, getRawInput: () => Promise<unknown>): Promise<unknown> {
  if (path.startsWith(RUN)) return { name: path.slice(RUN.length) };
  return getRawInput().catch(() => undefined);
}
