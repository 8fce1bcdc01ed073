import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { MiddlewareHandler } from 'hono';
import { parseAccept } from 'hono/utils/accept';
import type { HttpEnv } from './context.ts';

const FEWEST_BYTES = 1_024;
const COMPRESSIBLE = /^(?:application\/(?:problem\+)?json|text\/(?!event-stream))/;

const ENCODERS = {
  // Quality 4 is as fast as gzip and smaller; the default of 11 takes a hundred times as long.
  br: (bytes: Uint8Array) =>
    promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  gzip: (bytes: Uint8Array) => promisify(gzip)(bytes),
};
type Encoding = keyof typeof ENCODERS;
const PREFERRED: readonly Encoding[] = ['br', 'gzip'];

/**
 * Compresses large answers. Only 200 carries such: a 202 leaves out what is large, and its way is hot. Streams pass
 * untouched. ETags are weak, so one stands for a task in every encoding.
 */
export const compressLarge: MiddlewareHandler<HttpEnv> = async (c, next) => {
  await next();
  const { res } = c;
  const isCandidate =
    res.status === 200 &&
    c.var.isStream !== true &&
    c.req.method !== 'HEAD' &&
    COMPRESSIBLE.test(res.headers.get('content-type') ?? '') &&
    !res.headers.has('content-encoding') &&
    !res.headers.has('transfer-encoding');
  if (!isCandidate) return;
  res.headers.append('Vary', 'Accept-Encoding');
  const encoding = chooseEncoding(c.req.header('accept-encoding'));
  if (encoding === undefined) return;

  const bytes = new Uint8Array(await res.arrayBuffer());
  const isLarge = bytes.byteLength >= FEWEST_BYTES;
  const body = isLarge ? await ENCODERS[encoding](bytes) : bytes;
  const headers = new Headers(res.headers);
  if (isLarge) headers.set('Content-Encoding', encoding);
  headers.delete('content-length');
  // Emptied first: Hono would merge the headers of what it replaces.
  c.res = undefined;
  c.res = new Response(body, { status: 200, headers });
};

/** What the client likes best; where it likes both alike, the smaller one. */
function chooseEncoding(header: string | undefined): Encoding | undefined {
  if (header === undefined) return undefined;
  const accepted = parseAccept(header);
  const qualityOf = (encoding: string) =>
    (
      accepted.find(({ type }) => type.toLowerCase() === encoding) ??
      accepted.find(({ type }) => type === '*')
    )?.q ?? 0;
  const [best] = PREFERRED.filter((encoding) => qualityOf(encoding) > 0).toSorted(
    (one, other) => qualityOf(other) - qualityOf(one),
  );
  return best;
}
