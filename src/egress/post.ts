import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { faultOfCall, faultOfUrl, hostOf } from './check-url.ts';
import type { Egress } from './egress.ts';

/** So much of an answer is read, and dropped. */
const MAX_ANSWER_BYTES = 64 * 1024;

export interface PostRequest {
  url: string;
  headers: Record<string, string>;
  body: string;
  signal: AbortSignal;
}

export interface PostAnswer {
  status: number;
  retryAfter: string | undefined;
}

/** No answer came. `isRefused`: we would not call it, now or later. */
export class PostFailed extends Error {
  override readonly name = 'PostFailed';
  readonly code: 'address_refused' | 'host_not_found' | 'timeout' | 'connection_failed';

  constructor(code: PostFailed['code'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/**
 * Posts to an address that a caller chose. The name is looked up once, every address that comes back is checked, and the
 * connection goes to those and no other: a second look-up, which a rebinding name server would answer otherwise, never
 * happens. Redirects are not followed.
 * @throws PostFailed, or the signal's reason.
 */
export async function post(egress: Egress, request: PostRequest): Promise<PostAnswer> {
  const fault = faultOfUrl(request.url, egress.allow);
  if (fault) throw new PostFailed('address_refused', `the URL ${fault}`);
  const url = new URL(request.url);
  const clock = AbortSignal.timeout(egress.timeoutMs);
  const within = AbortSignal.any([request.signal, clock]);
  try {
    const addresses = await unlessAborted(findAddresses(egress, url), within);
    const refused = faultOfCall(url, addresses, egress.allow);
    if (refused) throw new PostFailed('address_refused', `the URL is not called: ${refused}`);
    return await exchange(url, addresses, request, within);
  } catch (error) {
    request.signal.throwIfAborted();
    if (clock.aborted) throw new PostFailed('timeout', `no answer within ${egress.timeoutMs} ms`);
    if (error instanceof PostFailed) throw error;
    throw new PostFailed('connection_failed', `no answer: ${describe(error)}`, error);
  }
}

async function findAddresses(egress: Egress, url: URL): Promise<readonly string[]> {
  const host = hostOf(url);
  if (isIP(host) !== 0) return [host];
  try {
    return await egress.resolve(host);
  } catch (error) {
    throw new PostFailed('host_not_found', 'its host has no address', error);
  }
}

function exchange(
  url: URL,
  addresses: readonly string[],
  { headers, body }: PostRequest,
  signal: AbortSignal,
): Promise<PostAnswer> {
  return new Promise((resolve, reject) => {
    const client = url.protocol === 'https:' ? https : http;
    const request = client.request(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      // A connection of its own: a pooled one was checked for another call.
      agent: false,
      lookup: pinnedTo(addresses),
      signal,
    });
    let answer: PostAnswer | undefined;
    request.on('error', (error) => (answer ? resolve(answer) : reject(error)));
    request.on('response', (response) => {
      const known = { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] };
      answer = known;
      // The status says it all; the rest is read so that the receiver may finish, but not for ever.
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) request.destroy();
      });
      response.on('error', () => undefined);
      response.on('close', () => resolve(known));
    });
    request.end(body);
  });
}

function pinnedTo(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, done) => {
    if (options.all) return done(null, found);
    const [first] = found;
    done(null, first?.address ?? '', first?.family);
  };
}

function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return Promise.race([
    work,
    new Promise<never>((_resolve, reject) => {
      const stop = () => reject(signal.reason as Error);
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    }),
  ]);
}

/** What went wrong, without the addresses that Node writes into its messages. */
function describe(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code ?? 'the connection failed';
}
