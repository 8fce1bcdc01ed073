import { saysPostgresAway } from './db/failures.ts';

/** Connection, conflict, resources, a lock not to be had, a server that starts or stops, one that is no primary for now. */
const POSTGRES = /^(?:08\w{3}|40\w{3}|53\w{3}|55P03|57P0\d|25006)$/;
const NETWORK =
  /^(?:ECONN\w+|ETIMEDOUT|ESOCKETTIMEDOUT|EPIPE|EAI_AGAIN|ENOTFOUND|E(?:HOST|NET)(?:UNREACH|DOWN)|UND_ERR_(?:SOCKET|\w+_TIMEOUT))$/;
/** What Lovage itself says where a retry can help. */
const OWN = /^(?:queue-unavailable|rate-limited)$/;
const MAX_DEPTH = 10;

/**
 * Whether an error may pass by itself, for `retryIf`: Postgres away, starting, out of connections or in conflict, the network,
 * a timeout, or an answer with `status` 408, 425, 429 or 5xx. Looks through `cause` and AggregateError, as far as an answer's
 * status, which decides.
 */
export const isTransient = (error: unknown): boolean => mayPass(error, 0);

function mayPass(error: unknown, depth: number): boolean {
  if (typeof error !== 'object' || error === null || depth >= MAX_DEPTH) return false;
  const { code, status, name, message, cause } = error as Partial<Record<keyof Thrown, unknown>>;
  if (isStatus(status)) return status >= 500 || [408, 425, 429].includes(status);
  if (typeof code === 'string' && [POSTGRES, NETWORK, OWN].some((codes) => codes.test(code))) return true;
  if (code === undefined && typeof message === 'string' && saysPostgresAway(message)) return true;
  // A subclass need not set its name.
  if ([name, error.constructor?.name].some((of) => typeof of === 'string' && of.endsWith('TimeoutError')))
    return true;
  const inner: unknown[] = error instanceof AggregateError ? error.errors : [];
  return [cause, ...inner].some((each) => mayPass(each, depth + 1));
}

type Thrown = Error & { code: unknown; status: unknown };

const isStatus = (status: unknown): status is number =>
  Number.isInteger(status) && Number(status) >= 100 && Number(status) < 600;
