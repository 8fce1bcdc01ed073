import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readEnvironment } from '../../../packs/visuals/environment.ts';
import { choosePainter } from '../../../packs/visuals/painter/choose.ts';
import { makePhoto } from './photos.ts';

let reply: unknown;
let seen: { path: string | undefined; headers: IncomingHttpHeaders; body: string };
const server = createServer((request, response) => {
  void (async () => {
    const body = Buffer.concat(await request.toArray()).toString();
    seen = { path: request.url, headers: request.headers, body };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
  })();
});

beforeAll(() => once(server.listen(0, '127.0.0.1'), 'listening'));
afterAll(() => once(server.close(), 'close'));

const ask = async () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return choosePainter(readEnvironment({ FREEPIK_API_KEY: 'a-key', FREEPIK_URL: url })).paint({
    photo: await makePhoto(),
    procedure: { name: 'Facelift', bodyRegion: 'lower_face' },
    prompt: 'Paint',
    signal: AbortSignal.timeout(5000),
  });
};

test('Freepik gets the key in its own header and no photo, and its answer says so', async () => {
  reply = { data: [{ base64: (await makePhoto()).toString('base64'), has_nsfw: false }] };
  expect(await ask()).toMatchObject({
    model: 'freepik-text-to-image',
    after: { contentType: 'image/jpeg' },
    details: { from_photo: false },
  });
  expect(seen.path).toBe('/v1/ai/text-to-image');
  expect(seen.headers['x-freepik-api-key']).toBe('a-key');
  expect(JSON.parse(seen.body)).toEqual({ prompt: 'Paint', num_images: 1 });
});

test('what Freepik marks as unsafe is a refusal, and an answer without an image an error', async () => {
  reply = { data: [{ base64: '', has_nsfw: true }] };
  await expect(ask()).rejects.toMatchObject({ code: 'SafetyRefusal' });
  reply = { data: [] };
  await expect(ask()).rejects.toMatchObject({ code: 'PainterError' });
});
