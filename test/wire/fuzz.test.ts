import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRouter } from '../../src/api/trpc/router.ts';
import { type HttpLab, openHttpLab, ROOT_KEY } from '../api/http-lab.ts';
import { config } from '../api/fixture.ts';
import { readContract } from './contract/check.ts';
import { operationsOf, type Operation } from './contract/document.ts';
import { makeDocument } from './contract/make-document.ts';
import {
  classics,
  fittingParts,
  spoiledParts,
  toRequest,
  type FuzzRequest,
  type Known,
} from './fuzz/requests.ts';
import { openLedger } from './fuzz/rows.ts';
import { send } from './fuzz/send.ts';
import { trpcRequests } from './fuzz/trpc.ts';

/**
 * Requests made from the document itself, so that a new route is fuzzed as soon as it is documented. What fails is printed
 * whole, made as small as it gets, with the seed: LOVAGE_FUZZ_SEED runs it again, LOVAGE_FUZZ_RUNS more of them.
 */
const numRuns = Number(process.env['LOVAGE_FUZZ_RUNS'] ?? 3);
const isLong = numRuns > 3;
const seed = Number(process.env['LOVAGE_FUZZ_SEED'] ?? (isLong ? Date.now() % 1_000_000 : 4));
const runs = { seed, numRuns };

const contract = readContract((await makeDocument(config)).text);
// Megabytes a request, which never differ.
const aside = ['/trpc/{procedure}', '/docs/standalone.js'];
// One way through the code for all definitions: a few of them are enough where time counts.
const definitions = operationsOf(contract.document).filter(({ operationId }) =>
  operationId.startsWith('submit.'),
);
const left = new Set(isLong ? [] : definitions.slice(3).map(({ path }) => path));
const operations = operationsOf(contract.document).filter(
  ({ path }) => !aside.includes(path) && !left.has(path),
);

let lab: HttpLab;
let ledgerOf: () => Promise<string>;
let ledger: string;
const known: Known & Record<'id' | 'name', string[]> = { id: [], name: ['diag', 'old'] };
beforeAll(async () => {
  lab = await openHttpLab();
  for (const end of ['', '', '/cancel', '/cancel']) {
    const { body } = await lab.call('POST', '/v1/tasks/diag.noop', { body: {} });
    if (end !== '') await lab.call('POST', `/v1/tasks/${body.id}${end}`);
    known.id.push(body.id);
  }
  ledgerOf = await openLedger(lab.lab);
  ledger = await ledgerOf();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** Answered in time, as documented, by no 5xx; and whoever is refused has written nothing. Returns the status. */
async function isSound(request: FuzzRequest): Promise<number> {
  const answer = await send(lab.api.url, ROOT_KEY, request);
  const { status, text } = answer;
  const isServersFault = status >= 500 && status !== 501;
  expect(isServersFault ? `${status} ${text}` : '').toBe('');
  expect(contract.violations(request.method, request.path, answer)).toEqual([]);
  const now = await ledgerOf();
  if (status >= 400) expect(now).toBe(ledger);
  ledger = now;
  return status;
}

/** Further than the check of its form: else nothing is shown by all the requests that were borne. */
const isThrough = (status: number) => ![400, 401, 403, 413, 422].includes(status);

const label = ({ method, path }: Operation) => `${method} ${path}`;

describe(`seed ${seed}`, () => {
  test.each(operations.map((operation) => [label(operation), operation] as const))(
    '%s takes what its schemas say, and bears what they do not',
    async (_label, operation) => {
      for (const parts of classics(contract.document, operation, known)) {
        await isSound(toRequest(operation, parts));
      }
      const fits = fittingParts(contract.document, operation, known);
      const statuses: number[] = [];
      await fc.assert(
        fc.asyncProperty(fits, async (parts) => {
          statuses.push(await isSound(toRequest(operation, parts)));
        }),
        runs,
      );
      for (const parts of fc.sample(fits, { seed, numRuns: 60 })) {
        if (statuses.some(isThrough)) break;
        statuses.push(await isSound(toRequest(operation, parts)));
      }
      expect(statuses.some(isThrough)).toBe(true);

      await fc.assert(
        fc.asyncProperty(spoiledParts(contract.document, operation, known), async (parts) => {
          await isSound(toRequest(operation, parts));
        }),
        { ...runs, numRuns: numRuns * 2 },
      );
    },
    isLong ? 600_000 : 60_000,
  );

  test(
    'every tRPC procedure bears any input',
    async () => {
      const procedures = Object.keys(createRouter(config)['_def'].procedures);
      const all = trpcRequests(procedures, [...known.id, 'diag.noop', 'diag', 'queued', 'result']);
      await fc.assert(
        fc.asyncProperty(all, async (request) => {
          await isSound(request);
        }),
        { ...runs, numRuns: numRuns * 40 },
      );
    },
    isLong ? 600_000 : 60_000,
  );

  test('nothing of it has broken an invariant', async () => {
    expect(await lab.lab.violations()).toEqual([]);
    expect((await lab.call('GET', '/readyz')).status).toBe(200);
  });
});
