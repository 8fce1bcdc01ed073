import { expect, test } from 'vitest';
import { preferredWait } from '../../src/api/rest/preference.ts';

test.each([
  ['wait=10', 10],
  ['respond-async, wait=10', 10],
  ['wait="10"', 10],
  ['Wait = 10; foo=bar', 10],
  ['return=minimal,wait=1, wait=9', 1],
])('"%s" asks for a wait of %i seconds', (header, seconds) => {
  expect(preferredWait(header)).toBe(seconds);
});

test.each([
  undefined,
  '',
  'wait',
  'wait=',
  'wait=0',
  'wait=-1',
  'wait=soon',
  'wait=1.5',
  'await=10',
  'wait=9999999999',
])('a preference that makes no sense is passed over: %s', (header) => {
  expect(preferredWait(header)).toBeUndefined();
});
