import { assert, integer, object, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import { findUnstorable, suspect } from '../../src/json/unstorable.ts';

const pointersOf = (json: string) =>
  findUnstorable(JSON.parse(json), suspect(json)).map(({ pointer }) => pointer);
const everything = { text: true, depth: true };

test.each([
  ['"\\u0000"', ['']],
  ['{"a":"x\\u0000y"}', ['/a']],
  ['{"a":[1,{"b/c":"\\ud800"}]}', ['/a/1/b~1c']],
  ['{"a":"\\uDC00"}', ['/a']],
  ['{"\\u0000":1}', ['/\0']],
  ['{"\\ud83d\\ude00":"\\ud83d\\ude00"}', []],
  ['{"a":"\\\\u0000"}', []],
])('%s has its faults at %j', (json, pointers) => {
  expect(pointersOf(json)).toEqual(pointers);
});

test('a text that is not suspect never holds what cannot be stored', () => {
  const anyText = string({
    unit: integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
  });
  assert(
    property(object({ key: anyText, values: [anyText] }), (value) => {
      const json = JSON.stringify(value);
      expect(suspect(json).text || findUnstorable(value, everything).length === 0).toBe(true);
    }),
  );
});

test('100,000 levels are refused without running out of stack', () => {
  const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
  expect(findUnstorable(deep, everything)).toEqual([{ pointer: '', detail: 'nests deeper than 500 levels' }]);
  expect(findUnstorable(deep, { text: true, depth: false })).toEqual([]);
});

test('500 levels are not too deep, 501 are', () => {
  const faultsOf = (levels: number) => {
    const json = '['.repeat(levels) + ']'.repeat(levels);
    return findUnstorable(JSON.parse(json), suspect(json));
  };
  expect(faultsOf(500)).toEqual([]);
  expect(faultsOf(501)).toHaveLength(1);
});
