import { ServiceError } from './service-error.ts';

export interface ServiceCall {
  /** Its name in errors: never its URL, which may hold a secret. */
  service: string;
  url: string | URL;
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  signal: AbortSignal;
  /** Default 30 s, the reading of the answer included. */
  timeoutMs?: number;
  /** Default 32 MiB. */
  maxBytes?: number;
  /** The code of its errors. Default `ServiceError`. */
  code?: string;
}

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_SHOWN = 300;

/**
 * Calls a JSON service. Redirects are not followed: they would carry the key elsewhere.
 * @throws ServiceError with the status of what is no success, and of what is no JSON; without one when it cannot be reached,
 * answers too much, or too late. When `signal` is aborted, its reason.
 */
export async function callService(call: ServiceCall): Promise<unknown> {
  const { service, signal, timeoutMs = TIMEOUT_MS, code } = call;
  const refuse = (message: string, more: { status?: number; retryAfterMs?: number; cause?: unknown } = {}) =>
    new ServiceError(service, message, { ...more, ...(code === undefined ? {} : { code }) });
  const timeout = AbortSignal.timeout(timeoutMs);
  let status: number | undefined;
  try {
    const response = await fetch(call.url, {
      method: call.method ?? (call.body === undefined ? 'GET' : 'POST'),
      headers: { Accept: 'application/json', ...contentType(call), ...call.headers },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout]),
    });
    status = response.status;
    const text = await readText(response, call.maxBytes ?? MAX_BYTES);
    if (text === undefined) throw refuse('answered more than is read', { status });
    if (!response.ok) {
      const told = { status, ...readRetryAfter(response.headers.get('retry-after')) };
      throw refuse([`answered ${status}`, text.slice(0, MAX_SHOWN)].filter(Boolean).join(': '), told);
    }
    const type = response.headers.get('content-type') ?? 'nothing';
    if (!/\bjson\b/i.test(type)) throw refuse(`sent ${type} instead of JSON`, { status });
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof ServiceError) throw error;
    if (timeout.aborted) throw refuse(`did not answer within ${timeoutMs} ms`, { cause: error });
    if (error instanceof SyntaxError)
      throw refuse('sent what is no JSON', { cause: error, ...(status && { status }) });
    throw refuse('cannot be reached', { cause: error });
  }
}

const contentType = ({ body }: ServiceCall): Record<string, string> =>
  body === undefined ? {} : { 'Content-Type': 'application/json' };

async function readText(response: Response, maxBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Seconds, or a date. */
function readRetryAfter(header: string | null): { retryAfterMs?: number } {
  if (header === null) return {};
  const waitMs = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(waitMs) ? { retryAfterMs: Math.max(0, waitMs) } : {};
}
