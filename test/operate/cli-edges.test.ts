import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { say } from '../cli/said.ts';

beforeAll(() => vi.stubEnv('LOVAGE_API_KEY', 'a-key-that-nobody-here-looks-at'));
afterAll(() => vi.unstubAllEnvs());

test('what answers as no API of this version does is told from one that is away', async () => {
  const answers: Record<string, [status: number, type: string, body: string]> = {
    '/proxy': [502, 'text/html', '<html>Bad Gateway</html>'],
    '/older': [
      404,
      'application/json',
      '{"error":{"message":"No procedure found","code":-32004,"data":{"code":"NOT_FOUND"}}}',
    ],
    '/newer': [200, 'application/json', '{"result":{"data":{"queues":[]}}}'],
  };
  await using server = await serveAnswers(answers);
  for (const path of Object.keys(answers)) {
    const { code, stderr } = await say('queues', '--url', `${server.url}${path}`);
    expect(stderr, path).toMatch(
      /^lovage: what answers at \S+.* is not the API that lovage \S+ speaks to: another version/,
    );
    expect(code).toBe(1);
  }
});

test.skipIf(!existsSync('/dev/full'))('what cannot be written is a failure', async () => {
  const bin = new URL('../../bin/lovage.js', import.meta.url).pathname;
  const line = `"${process.execPath}" --conditions=lovage-source "${bin}" --help > /dev/full`;
  const child = spawn('bash', ['-c', line]);
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining('cannot be written: ENOSPC') as string,
  });
});

/** Another server, or another version: what is asked under a path gets always the same. */
async function serveAnswers(answers: Record<string, [status: number, type: string, body: string]>) {
  const server = createServer((request, response) => {
    const [status, type, body] = answers[`/${request.url?.split('/')[1]}`] ?? [404, 'text/plain', ''];
    response.writeHead(status, { 'content-type': type }).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
