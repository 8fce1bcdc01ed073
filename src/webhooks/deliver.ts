import type pg from 'pg';
import { z } from 'zod';
import { HOUSEKEEPING_QUEUE } from '../config.ts';
import { retryConflicts } from '../db/failures.ts';
import { post, type PostAnswer, PostFailed, type PostRequest } from '../egress/post.ts';
import { Discard, LovageError, RetryIn } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import { defineTask, type AnyTask } from '../task.ts';
import { tracePost } from '../tracing/spans.ts';
import { headersOfTrace, traceOfHeaders, type StoredTrace } from '../tracing/trace-context.ts';
import { MAX_TRIES, waitMs, WAITS_MS } from './schedule.ts';
import { signedHeaders } from './signature.ts';

type Parts = Pick<Lovage, 'pool' | 'secret' | 'egress' | 'metrics'> & { version: string };

/** Delivers the message whose id is the task's own: one attempt is one try. */
export function defineDelivery(parts: Parts): AnyTask {
  // Its series are there from the start: a rise from nothing is not seen.
  const { webhooks } = parts.metrics;
  return defineTask({
    name: 'lovage.deliverWebhook',
    queue: HOUSEKEEPING_QUEUE,
    input: z.strictObject({}),
    output: z.strictObject({ status: z.int() }).nullable(),
    attempts: MAX_TRIES,
    // Where Postgres, not the receiver, fails it.
    backoff: { delaysMs: WAITS_MS },
    softLimitMs: parts.egress.timeoutMs + 15_000,
    async run({ id, signal, traceparent, tracestate }) {
      const message = await beginTry(parts.pool, id);
      // It arrived before its worker died, or nobody is to have it any more.
      if (!message) return null;
      const startedAt = performance.now();
      const tried = await tryOnce(parts, {
        id,
        signal,
        message,
        trace: traceOfHeaders(traceparent, tracestate),
      });
      webhooks.tried({ ...tried, ms: performance.now() - startedAt });
      await endTry(parts.pool, id, tried);
      if (tried.outcome === 'delivered') return { status: tried.status };
      const { error, code } = tried;
      throw tried.outcome === 'failed'
        ? new Discard(error, { code })
        : new RetryIn(tried.delayMs, { message: error, code });
    },
  });
}

interface Message {
  url: string;
  body: string;
  secret: Buffer | null;
  former_secret: Buffer | null;
  is_removed: boolean;
  is_disabled: boolean;
  failures: number;
  max_attempts: number;
}

interface Fault {
  error: string;
  code: string;
  status: number | null;
}
type Tried =
  | { outcome: 'delivered'; status: number }
  | (Fault & { outcome: 'failed'; disables?: string })
  | (Fault & { outcome: 'retrying'; delayMs: number });

async function beginTry(pool: pg.Pool, id: string): Promise<Message | undefined> {
  const { rows } = await pool.query<Message>('SELECT * FROM lovage.begin_webhook_try($1)', [id]);
  return rows[0];
}

async function endTry(pool: pg.Pool, id: string, tried: Tried): Promise<void> {
  const error = 'error' in tried ? tried.error : null;
  const disables = 'disables' in tried ? tried.disables : null;
  await retryConflicts(() =>
    pool.query('SELECT lovage.end_webhook_try($1, $2, $3, $4, $5)', [
      id,
      tried.outcome,
      tried.status,
      error,
      disables,
    ]),
  );
}

interface Trial {
  id: string;
  signal: AbortSignal;
  message: Message;
  trace: StoredTrace | undefined;
}

/** Rejects only where the attempt was told to stop. */
async function tryOnce(parts: Parts, { id, signal, message, trace }: Trial): Promise<Tried> {
  const { url, body, failures, max_attempts } = message;
  const fail = (fault: Fault, retryAfter?: string): Tried =>
    failures + 1 >= max_attempts
      ? { ...fault, outcome: 'failed' }
      : { ...fault, outcome: 'retrying', delayMs: waitMs(failures + 1, retryAfter) };
  if (message.is_removed) return gone('webhook_removed', 'the webhook was removed');
  if (message.is_disabled) return gone('webhook_disabled', 'the webhook is disabled');
  try {
    const headers = {
      ...signedHeaders({ id, body, at: new Date() }, secretsOf(parts, message)),
      'content-type': 'application/json',
      'user-agent': `Lovage/${parts.version} (webhooks)`,
    };
    const { status, retryAfter } = await tracedPost(parts, { url, headers, body, signal }, trace);
    if (status >= 200 && status < 300) return { outcome: 'delivered', status };
    const fault = {
      error: `the receiver answered ${status}${noteOn(status)}`,
      code: `http_${status}`,
      status,
    };
    if (status === 410) return { ...fault, outcome: 'failed', disables: 'the receiver answered 410 Gone' };
    return fail(fault, retryAfter);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof PostFailed) {
      const fault = { error: error.message, code: error.code, status: null };
      return error.code === 'address_refused' ? { ...fault, outcome: 'failed' } : fail(fault);
    }
    if (!(error instanceof LovageError)) throw error;
    return fail({
      error: 'its secret cannot be read: LOVAGE_SECRET of this worker is not the one it was stored under',
      code: 'secret_unreadable',
      status: null,
    });
  }
}

async function tracedPost(
  { egress }: Pick<Parts, 'egress'>,
  request: PostRequest,
  trace: StoredTrace | undefined,
): Promise<PostAnswer> {
  const traced = tracePost(request.url, trace);
  const headers = { ...request.headers, ...headersOfTrace(traced.trace) };
  try {
    const answer = await traced.within(() => post(egress, { ...request, headers }));
    const { status } = answer;
    traced.end({ 'http.response.status_code': status }, status >= 300 ? String(status) : undefined);
    return answer;
  } catch (error) {
    traced.end({}, error instanceof PostFailed ? error.code : 'stopped');
    throw error;
  }
}

const gone = (code: string, error: string): Tried => ({ outcome: 'failed', error, code, status: null });
const noteOn = (status: number): string =>
  status >= 300 && status < 400 ? ': redirects are not followed' : '';

function secretsOf({ secret }: Parts, { secret: current, former_secret: former }: Message): string[] {
  return [current, former]
    .filter((sealed) => sealed !== null)
    .map((sealed) => secret.decrypt('webhook-secret', sealed));
}
