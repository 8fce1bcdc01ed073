import { Discard } from 'lovage';
import { IntegrationError } from './analysis/integrity-error.ts';

/** Connection trouble, conflicts, a server that is starting or out of resources. */
const TRANSIENT = /^(ECONN|ETIMEDOUT|EAI_AGAIN|EPIPE|08|40|53|55P03|57P0)/;

/** Only what may pass by itself is worth another attempt; the rest fails at once, under its own name. */
export function discardUnlessTransient(error: unknown): unknown {
  if (error instanceof IntegrationError)
    return new Discard(error.message, { code: 'IntegrationError', cause: error });
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    if (typeof code === 'string' && TRANSIENT.test(code)) return error;
    if (/^(Connection terminated|timeout exceeded when trying to connect)/.test(cause.message)) return error;
  }
  const name = error instanceof Error ? error.name : 'Error';
  return new Discard(error instanceof Error ? error.message : String(error), { code: name, cause: error });
}
