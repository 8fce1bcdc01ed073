import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { SeenAnswer } from '../contract/check.ts';
import { bytesOf, type FuzzRequest } from './requests.ts';

const HANGS_AFTER_MS = 8_000;

/** Sends a request byte by byte as it is; a stream counts as answered when it begins. @throws where nothing comes. */
export async function send(url: string, apiKey: string, fuzz: FuzzRequest): Promise<SeenAnswer> {
  const { method, path, headers } = withoutLongWaits(fuzz);
  const bytes = bytesOf(fuzz);
  const hasBody = fuzz.body !== undefined;
  const { hostname, port } = new URL(url);
  const sent = request({
    hostname,
    port,
    method,
    path,
    headers: [
      'Host',
      `${hostname}:${port}`,
      'Connection',
      'keep-alive',
      'X-API-Key',
      apiKey,
      ...(hasBody ? ['Content-Length', String(bytes.length)] : []),
      ...headers.flat(),
    ],
    signal: AbortSignal.timeout(HANGS_AFTER_MS),
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) =>
    sent.on('response', resolve).on('error', reject),
  );
  sent.end(hasBody ? bytes : undefined);
  const answer = await answered;
  const isStream = answer.headers['content-type']?.startsWith('text/event-stream') === true;
  const body = isStream ? '' : await text(answer);
  if (isStream) answer.destroy();
  const pairs = Object.entries(answer.headersDistinct).map(([name, values = []]): [string, string] => [
    name,
    values.join(', '),
  ]);
  return { status: answer.statusCode ?? 0, headers: new Headers(pairs), text: body };
}

/** Who asks to wait a minute is kept waiting a minute: no hang, but no test either. */
function withoutLongWaits({
  method,
  path,
  headers,
}: FuzzRequest): Pick<FuzzRequest, 'method' | 'path' | 'headers'> {
  const isWaiting = /[?&]async(?:_mode)?=(?:false|0|no|off)/i.test(path);
  const shorter = path.replaceAll(/([?&]wait)=\d+/g, '$1=0');
  return {
    method,
    path: isWaiting ? shorter.replaceAll(/([?&]async(?:_mode)?)=\w+/gi, '$1=true') : shorter,
    headers: headers.map(([name, value]) => [
      name,
      name.toLowerCase() === 'prefer' ? value.replaceAll(/\d+/g, '0') : value,
    ]),
  };
}
