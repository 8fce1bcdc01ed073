import type { Dialect, DialectReply, Rendered } from 'lovage';
import { listFaults } from '../../services/fastapi-faults.ts';

/** Errors are `{"detail": …}`, of a request that does not fit a list of its faults. */
export const error: Dialect['error'] = ({ status, code, message, faults }) => ({
  status,
  body: { detail: code === 'validation' ? listFaults(faults) : message },
});

export const notFound = (what: string): DialectReply => ({
  status: 404,
  body: { detail: `${what} not found` },
});

/** Errors are a string here. */
export const errorText = ({ task }: Rendered): string | null =>
  task.error && task.state !== 'succeeded' ? task.error.message : null;

const ASKED_WRONGLY: ReadonlySet<string> = new Set(['InsufficientData', 'UnknownSprints']);

/** How a task that was waited for, and did not succeed, is told: what the caller can mend is 400. */
export function refused(view: Rendered): DialectReply {
  const { code } = view.task.error ?? { code: '' };
  const status = ASKED_WRONGLY.has(code) ? 400 : code === 'MetricsApiError' ? 502 : 500;
  return { status, body: { detail: errorText(view) ?? `The task was ${view.state}` } };
}
