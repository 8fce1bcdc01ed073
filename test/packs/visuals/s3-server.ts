import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface S3Server extends AsyncDisposable {
  url: string;
  objects: Map<string, { bytes: Buffer; type: string; writtenAt: Date }>;
}

const SECRET = 'an-s3-secret';
const PAGE = 2;
const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/** A small server of S3's protocol: it works out each signature by itself, as Amazon documents it, and refuses any other. */
export async function startS3(): Promise<S3Server> {
  const objects: S3Server['objects'] = new Map();
  const server = createServer((request, response) => void answer(request, response, objects));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/bucket/previews`,
    objects,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, objects: S3Server['objects']) {
  const body = Buffer.concat(await request.toArray());
  const url = new URL(request.url ?? '/', 'http://s3');
  if (!isSigned(request, url, body)) return response.writeHead(403).end();
  const [, bucket, ...rest] = url.pathname.split('/');
  const key = rest.join('/');
  if (bucket !== 'bucket') return response.writeHead(404).end();
  if (key === '')
    return response.writeHead(200, { 'content-type': 'application/xml' }).end(list(url, objects));
  if (request.method === 'PUT') {
    objects.set(key, { bytes: body, type: request.headers['content-type'] ?? '', writtenAt: new Date() });
    return response.writeHead(200).end();
  }
  const found = objects.get(key);
  if (request.method === 'DELETE') objects.delete(key);
  if (request.method === 'DELETE') return response.writeHead(204).end();
  if (found === undefined) return response.writeHead(404).end();
  return response.writeHead(200, { 'content-type': found.type }).end(found.bytes);
}

function list(url: URL, objects: S3Server['objects']): string {
  const after = url.searchParams.get('continuation-token') ?? '';
  const prefix = url.searchParams.get('prefix') ?? '';
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).toSorted();
  const page = keys.slice(0, PAGE).map((key) => {
    const writtenAt = objects.get(key)?.writtenAt.toISOString();
    return `<Contents><Key>${key}</Key><LastModified>${writtenAt}</LastModified></Contents>`;
  });
  const next = keys.length > PAGE ? `<NextContinuationToken>${keys[PAGE - 1]}</NextContinuationToken>` : '';
  return `<?xml version="1.0"?><ListBucketResult>${page.join('')}${next}</ListBucketResult>`;
}

/** Signature version 4, from the request as it came in. */
function isSigned({ method, headers }: IncomingMessage, url: URL, body: Buffer): boolean {
  const parts =
    /Credential=AKID\/(\d+)\/([\w-]+)\/s3\/aws4_request, SignedHeaders=([\w;-]+), Signature=(\w+)/.exec(
      headers.authorization ?? '',
    );
  if (!parts) return false;
  const [, day = '', region = '', signed = '', signature] = parts;
  const declared = String(headers['x-amz-content-sha256']);
  if (declared !== 'UNSIGNED-PAYLOAD' && declared !== sha256(body)) return false;
  if (method === 'PUT' && declared === 'UNSIGNED-PAYLOAD') return false;
  const encode = (text: string) =>
    encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = [...url.searchParams].map((pair) => pair.map(encode).join('=')).toSorted();
  const canonical = [
    method,
    url.pathname,
    query.join('&'),
    ...signed.split(';').map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    signed,
    declared,
  ].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const key = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${SECRET}`);
  return hmac(key, text).toString('hex') === signature;
}
