import type { AuditEntry } from '../../audit/entry.ts';
import { describeCall } from '../../audit/entry.ts';
import type { RequestContext } from '../context.ts';
import { toLovageError } from '../errors.ts';

/** One mutation on its way into the audit log: written once, by whoever comes first. */
export interface CallRecorder {
  done(answer: unknown): Promise<void>;
  refused(error: unknown): Promise<void>;
}

const RUN = 'run.';

export async function recordCall(
  { lovage, caller, patience, trail }: RequestContext,
  path: string,
  getRawInput: () => Promise<unknown>,
): Promise<CallRecorder> {
  const request = await askedFor(path, getRawInput);
  const action = path.startsWith(RUN) ? 'tasks.enqueue' : path;
  let isWritten = false;

  async function write(outcome: AuditEntry['outcome'], answer: unknown): Promise<void> {
    if (isWritten) return;
    isWritten = true;
    if (trail) trail.isWritten = true;
    const written = lovage.audit.write({ caller, action, outcome, ...describeCall(request, answer) });
    // Nobody waits for a Postgres that was not there for the call itself.
    if (outcome !== 'queue-unavailable') await patience.spend(written).catch(() => undefined);
  }
  return {
    done: (answer) => write('ok', answer),
    refused: (error) => write(toLovageError(error).code, undefined),
  };
}

/** `run.filings.analyze` says in its path what `tasks.enqueue` says in its input. */
async function askedFor(path: string, getRawInput: () => Promise<unknown>): Promise<unknown> {
  if (path.startsWith(RUN)) return { name: path.slice(RUN.length) };
  return getRawInput().catch(() => undefined);
}
