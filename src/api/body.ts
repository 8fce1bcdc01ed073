import { LovageError } from '../errors.ts';
import { largeText } from '../json/large-text.ts';
import { suspect, type Suspicion } from '../json/unstorable.ts';

export interface JsonBody {
  value: unknown;
  suspicion: Suspicion;
  /** The value as it came, where it is too large to be written anew. */
  text?: Uint8Array | undefined;
}

/** Reads a JSON body of any content type. @throws LovageError payload-too-large or malformed-json. */
export async function readJson(request: Request, maxBytes: number): Promise<JsonBody> {
  const bytes = await readBytes(request, maxBytes);
  const text = decode(bytes);
  if (text.trim() === '') throw new LovageError('malformed-json', 'The body is empty; send JSON, such as {}');
  return { value: parse(text), suspicion: suspect(text), text: largeText(bytes, text) };
}

/** The same, but no body at all is `undefined`. */
export async function readOptionalJson(request: Request, maxBytes: number): Promise<JsonBody> {
  const hasBody =
    request.headers.get('transfer-encoding') !== null || Number(request.headers.get('content-length')) > 0;
  return hasBody ? readJson(request, maxBytes) : { value: undefined, suspicion: suspect('') };
}

/** @throws LovageError payload-too-large, also without a Content-Length; malformed-json when it is not UTF-8. */
export async function readText(request: Request, maxBytes: number): Promise<string> {
  return decode(await readBytes(request, maxBytes));
}

/** @throws `tooLarge` as soon as it is known, malformed-json for a body that is packed. */
export async function readBytes(
  request: Request,
  maxBytes: number,
  tooLarge = overLimit(maxBytes),
): Promise<Uint8Array<ArrayBuffer>> {
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity') {
    // A few bytes of gzip can be gigabytes.
    throw new LovageError('malformed-json', 'A body with a Content-Encoding is not taken: send it as it is');
  }
  const length = request.headers.get('content-length');
  if (length !== null) {
    if (Number(length) > maxBytes) throw tooLarge;
    return new Uint8Array(await request.arrayBuffer());
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new LovageError('malformed-json', 'The body is not UTF-8, which JSON must be', { cause });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    // V8's message quotes the body, which may be secret: only the position gets out.
    const position = cause instanceof Error ? /at position \d+/.exec(cause.message)?.[0] : undefined;
    throw new LovageError(
      'malformed-json',
      `The body is not JSON${position ? `: it breaks ${position}` : ''}`,
      { cause },
    );
  }
}

const overLimit = (maxBytes: number): LovageError =>
  new LovageError(
    'payload-too-large',
    `The body is over the limit of ${maxBytes} bytes (LOVAGE_MAX_BODY_BYTES)`,
  );
