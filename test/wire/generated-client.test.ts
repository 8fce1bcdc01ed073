import { execFile } from 'node:child_process';
import { cp, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpLab, holdToContract, openHttpLab, ROOT_KEY } from '../api/http-lab.ts';
import { config } from '../api/fixture.ts';
import { readContract } from './contract/check.ts';
import { operationsOf } from './contract/document.ts';
import { makeDocument } from './contract/make-document.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const sources = fileURLToPath(new URL('generated-client', import.meta.url));
const generator = 'node_modules/@lovage/openapi-typescript/node_modules/openapi-typescript/bin/cli.js';

interface Driver {
  drive: (baseUrl: string, apiKey: string, fetch: typeof globalThis.fetch) => Promise<object>;
}

let lab: HttpLab;
let folder: string;
let text: string;
beforeAll(async () => {
  lab = await openHttpLab();
  await lab.work();
  // Not inside the repository, where its types would be looked for before they are there.
  folder = await realpath(await mkdtemp(join(tmpdir(), 'lovage-generated-')));
  await cp(sources, folder, { recursive: true });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  ({ text } = await makeDocument(config));
  await writeFile(join(folder, 'openapi.json'), text);
  // What has a default need not be sent.
  const args = [join(root, generator), 'openapi.json', '--default-non-nullable=false', '-o', 'schema.d.ts'];
  await run(process.execPath, args, { cwd: folder });
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test('a client generated from the document is typed: what it is given, what it gets, and its errors', async () => {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { stdout } = await run(process.execPath, [tsc, '-p', folder], { cwd: folder }).catch(
    (error: unknown) => error as { stdout: string },
  );
  expect(stdout).toBe('');
});

test('it drives the whole surface, and every answer is as documented', async () => {
  const contract = readContract(text);
  const driven = new Set<string>();
  const watched: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const { pathname, search } = new URL(request.url);
    const response = await fetch(request);
    const { status, headers } = response;
    // It ends when its reader has had enough.
    const isEndless = pathname === '/v1/stream';
    const answer = { status, headers, text: isEndless ? '' : await response.clone().text() };
    await holdToContract(lab.api, request.method, pathname + search, answer);
    driven.add(contract.find(request.method, pathname)?.operationId ?? '');
    return response;
  };
  const { drive } = (await import(join(sources, 'drive.ts'))) as Driver;
  expect(await drive(lab.api.url, ROOT_KEY, watched)).toEqual({
    schedule: ['active', 'schedule:nightly', 3, 'ended:404'],
    key: ['generated', 30, 'revoked'],
    audited: 'keys.revoke',
    webhook: ['whsec_', false, '/problems/webhook-not-found'],
    batch: [2, 2, 'already_finished'],
    stream: [true, 200],
    shared: [7, null, 404, 404],
    risks: ['fire'],
    requestId: 'generated-1',
    unknown: '/problems/unknown-task-name',
    acceptedState: 'running',
    unchanged: 304,
    result: { ticker: 'ACME', risks: ['fire'] },
    listed: [expect.any(String)],
    cancelled: 'cancelled',
    retried: 'queued',
    removed: 204,
    pausedBecause: 'lunch',
    workers: ['live'],
    missing: '/problems/task-not-found',
    faults: [{ pointer: '/year', detail: expect.any(String) as string }],
  });
  const surface = operationsOf(contract.document)
    // One definition stands for all; pages are for people, and dialects document no answers.
    .filter(({ operationId, tags, responses }) => {
      const isOther = operationId.startsWith('submit.') || tags.includes('pages') || '4XX' in responses;
      return !isOther || operationId === 'submit.old.analyze';
    })
    .map(({ operationId }) => operationId);
  expect(surface.filter((operation) => !driven.has(operation))).toEqual([]);
});
