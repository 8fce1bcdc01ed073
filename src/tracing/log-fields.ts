import { traceIdOf, type StoredTrace } from './trace-context.ts';

interface Attempted {
  id: string;
  attempt: number;
  name?: string;
  trace?: StoredTrace | null | undefined;
  requestId?: string | null | undefined;
}

/** What every log line about an attempt bears: with it the lines of a request, its tasks and their webhooks are found. */
export const attemptFields = ({
  id,
  attempt,
  name,
  trace,
  requestId,
}: Attempted): Record<string, unknown> => ({
  task: id,
  attempt,
  ...(name !== undefined && { taskName: name }),
  ...(trace && { traceId: traceIdOf(trace) }),
  ...(requestId && { requestId }),
});
