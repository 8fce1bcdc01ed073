import { contentTypeOf, isArtefactKey, type ArtefactStore } from './artefact-store.ts';
import { keyOf } from './key-of.ts';
import { readListing } from './read-listing.ts';
import { storeError } from './store-error.ts';

export interface S3Options {
  /** With the bucket, and where wanted a prefix, as its path. */
  url: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

const TIMEOUT_MS = 30_000;
const SHA256_DIGITS = 64;

/** Any store that speaks S3's protocol with its signatures of version 4, by paths. */
export function openS3Store(options: S3Options): ArtefactStore {
  const call = createCaller(options);
  const [bucket = '', ...prefixes] = new URL(options.url).pathname.split('/').filter(Boolean);
  const prefix = prefixes.map((part) => `${part}/`).join('');
  const pathOf = (key: string): string => {
    contentTypeOf(key);
    return `/${bucket}/${prefix}${key}`;
  };
  return {
    async put(bytes, contentType) {
      const key = keyOf(bytes, contentType);
      const headers = { 'Content-Type': contentType, 'X-Amz-Content-Sha256': key.slice(0, SHA256_DIGITS) };
      await call(pathOf(key), { method: 'PUT', body: Buffer.from(bytes), headers });
      return key;
    },
    async get(key) {
      const contentType = contentTypeOf(key);
      const response = await call(pathOf(key), { method: 'GET' });
      return response && { bytes: Buffer.from(await response.arrayBuffer()), contentType };
    },
    async remove(key) {
      await call(pathOf(key), { method: 'DELETE' });
    },
    async *listOlderThan(time) {
      let after: string | undefined;
      do {
        const query = new URLSearchParams({ 'list-type': '2', prefix });
        if (after !== undefined) query.set('continuation-token', after);
        const response = await call(`/${bucket}?${query}`, { method: 'GET' });
        if (response === undefined) throw refusal(404);
        const page = readListing(await response.text());
        for (const { key, writtenAt } of page.files) {
          const name = key.slice(prefix.length);
          if (writtenAt < time && isArtefactKey(name)) yield name;
        }
        after = page.next;
      } while (after !== undefined);
    },
  };
}

type Call = (path: string, init: RequestInit) => Promise<Response | undefined>;

/** Answers undefined for 404. @throws ServiceError with the status of any other refusal. */
function createCaller({ url, region, accessKeyId, secretAccessKey }: S3Options): Call {
  return async (path, init) => {
    const { AwsClient } = await import('aws4fetch');
    const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3' });
    const signed = await client.sign(new URL(path, url).href, init);
    let response: Response;
    try {
      response = await fetch(signed, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (error) {
      throw storeError('cannot be reached', { cause: error });
    }
    if (response.ok) return response;
    const { status } = response;
    await response.body?.cancel();
    if (status === 404 && init.method !== 'PUT') return undefined;
    throw refusal(status);
  };
}

const refusal = (status: number) => storeError(`answered ${status}`, { status });
