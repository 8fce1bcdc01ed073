import { Readable } from 'node:stream';
import type { StatusCode } from 'hono/utils/http-status';
import type { DialectReply } from '../../dialect.ts';
import type { HttpContext } from '../context.ts';

/** Sends what a route answered: bytes and streams as they are, all else as JSON. */
export function sendReply(c: HttpContext, { status, body, headers = {} }: DialectReply): Response {
  for (const [name, value] of Object.entries(headersOfLink(c, status))) c.header(name, value);
  const bytes = bytesOf(c, body);
  const type = bytes === undefined ? 'application/json' : 'application/octet-stream';
  const named = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  if (hasBody(status) && !named.has('content-type')) c.header('Content-Type', type);
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  c.status(status as StatusCode);
  if (!hasBody(status)) return c.body(null);
  return bytes === undefined ? c.body(JSON.stringify(body ?? null)) : c.body(bytes);
}

/** Neither 204 nor 304 may bring a body. */
const hasBody = (status: number): boolean => status !== 204 && status !== 304;

type Bytes = Uint8Array<ArrayBuffer> | ReadableStream;

function bytesOf(c: HttpContext, body: unknown): Bytes | undefined {
  if (body instanceof Uint8Array) return body as Uint8Array<ArrayBuffer>;
  if (!(body instanceof Readable) && !(body instanceof ReadableStream)) return undefined;
  if (c.req.method === 'HEAD') {
    // Nobody will read it: what it holds open is let go.
    if (body instanceof Readable) body.destroy();
    else void body.cancel();
    return new Uint8Array();
  }
  c.set('isStream', true);
  const bytes = inBytes(body as AsyncIterable<string | Uint8Array>);
  return Readable.toWeb(Readable.from(bytes)) as ReadableStream;
}

async function* inBytes(stream: AsyncIterable<string | Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

/** What a signed link opens may be shown by pages of anywhere, and be kept no longer than the link holds. */
function headersOfLink(c: HttpContext, status: number): Record<string, string> {
  const { linkEndsAt } = c.var;
  if (linkEndsAt === undefined || status >= 300) return {};
  const seconds = Math.max(0, Math.floor((linkEndsAt - Date.now()) / 1000));
  return {
    'Cache-Control': `private, max-age=${seconds}`,
    'Cross-Origin-Resource-Policy': 'cross-origin',
  };
}
