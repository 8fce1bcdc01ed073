import fc from 'fast-check';
import type { FuzzRequest } from './requests.ts';
import { hostileJson, hostileText } from './values.ts';

const FIELDS = [
  'id',
  'name',
  'input',
  'limit',
  'cursor',
  'state',
  'tag',
  'tags',
  'reason',
  'include',
  'priority',
  'runAt',
];
const WAITS = ['timeoutMs', 'waitMs'];

/** Calls of any procedure, with what it may take for its fields and with what it may not. */
export function trpcRequests(
  procedures: readonly string[],
  known: readonly string[],
): fc.Arbitrary<FuzzRequest> {
  const value = fc.oneof(
    hostileJson,
    hostileText.map((text) => JSON.stringify(text)),
    fc.constantFrom(...known).map((text) => JSON.stringify(text)),
  );
  const short = fc.constantFrom('0', '1', '-1', '1e99', '"x"', 'null');
  const fields = fc
    .tuple(fc.subarray(FIELDS, { maxLength: 4 }), fc.array(value, { minLength: 4, maxLength: 4 }), short)
    .map(([names, values, wait]) => {
      const pairs = [...names.map((name, at) => [name, values[at]]), ...WAITS.map((name) => [name, wait])];
      return `{${pairs.map(([name, text]) => `"${name}":${text}`).join(',')}}`;
    });
  const input = fc.oneof({ weight: 3, arbitrary: fields }, { weight: 1, arbitrary: value });
  return fc
    .tuple(
      fc.constantFrom(...procedures, 'no.such', '%', '%00', 'a,b'),
      fc.constantFrom('GET', 'POST'),
      input,
      fc.boolean(),
    )
    .map(([procedure, method, text, isBatch]) => {
      const sent = isBatch ? `{"0":${text}}` : text;
      const query = [isBatch ? 'batch=1' : '', method === 'GET' ? `input=${encodeURIComponent(sent)}` : ''];
      return {
        method,
        path: `/trpc/${procedure}?${query.filter(Boolean).join('&')}`,
        headers: [['Content-Type', 'application/json']],
        body: method === 'POST' ? sent : undefined,
      };
    });
}
