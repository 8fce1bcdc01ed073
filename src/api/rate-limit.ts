import { LovageError } from '../errors.ts';
import { type Quota, takeQuota } from '../keys/take-quota.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller, RateLimit } from '../wire.ts';
import type { HttpContext } from './context.ts';
import { TRPC_ENDPOINT } from './trpc/mount.ts';

/** How the RateLimit headers name the one policy that a key has. */
const POLICY = 'default';

type Headers = [name: string, value: string][];

/**
 * Takes `cost` calls from what the caller's key may still make, and returns what to tell him of it. Keys without a limit
 * cost nothing.
 * @throws rate-limited; `tell` has then been called as well.
 */
export async function spendQuota(
  { pool }: Pick<Lovage, 'pool'>,
  { key }: Caller,
  cost: number,
  tell: (headers: Headers) => void,
): Promise<void> {
  if (!key?.rate || cost === 0) return;
  const { id, rate } = key;
  const quota = await takeQuota(pool, { id, rate }, cost);
  tell(headersOf(rate, quota));
  if (quota.isAllowed) return;
  const message =
    cost > rate.limit
      ? `A batch of ${cost} calls is more than the ${rate.limit} that this API key may make in ${rate.periodMs / 1000} s`
      : `This API key may make ${rate.limit} calls in ${rate.periodMs / 1000} s`;
  throw new LovageError('rate-limited', message, { retryAfter: Math.max(1, toSeconds(quota.waitMs)) });
}

/** One request is one call; a tRPC batch is as many as it names: `/trpc/tasks.get,tasks.list?batch=1`. */
export function costOf(c: HttpContext): number {
  const prefix = `${TRPC_ENDPOINT}/`;
  const isBatch = c.req.path.startsWith(prefix) && c.req.query('batch') === '1';
  // Not decoded: what is no proper escape would throw.
  return isBatch ? c.req.path.slice(prefix.length).split(/,|%2c/i).length : 1;
}

/** draft-ietf-httpapi-ratelimit-headers: `t` is when more can be had. */
const headersOf = ({ limit, periodMs }: RateLimit, { remaining, waitMs }: Quota): Headers => [
  ['RateLimit-Policy', `"${POLICY}";q=${limit};w=${toSeconds(periodMs)}`],
  ['RateLimit', `"${POLICY}";r=${remaining};t=${toSeconds(waitMs)}`],
];

const toSeconds = (ms: number): number => Math.ceil(ms / 1000);
