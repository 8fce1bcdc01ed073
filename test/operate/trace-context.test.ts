import { expect, test } from 'vitest';
import { headersOfTrace, traceIdOf, traceOfHeaders } from '../../src/tracing/trace-context.ts';

const ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${ID}-00f067aa0ba902b7-01`;

test('a trace is kept as its headers and sent on as they came', () => {
  const kept = traceOfHeaders(TRACEPARENT, 'vendor=a,other=b');
  expect(headersOfTrace(kept)).toEqual({ traceparent: TRACEPARENT, tracestate: 'vendor=a,other=b' });
  expect(traceIdOf(kept)).toBe(ID);
  expect(headersOfTrace(traceOfHeaders(TRACEPARENT, undefined))).toEqual({ traceparent: TRACEPARENT });
  expect(headersOfTrace(undefined)).toEqual({});
});

test.each([
  ['nothing', undefined],
  ['no hex', `00-${'z'.repeat(32)}-00f067aa0ba902b7-01`],
  ['a trace of zeros', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
  ['a span of zeros', `00-${ID}-${'0'.repeat(16)}-01`],
  ['capitals', TRACEPARENT.toUpperCase()],
  ['more than version 00 has', `${TRACEPARENT}-more`],
  ['version ff', TRACEPARENT.replace('00', 'ff')],
  ['two of them', `${TRACEPARENT}, ${TRACEPARENT}`],
  ['a line break', `${TRACEPARENT}\nx: y`],
])('%s is no trace', (_what, traceparent) => {
  expect(traceOfHeaders(traceparent, 'vendor=a')).toBeUndefined();
});

test('a tracestate that is too long or not printable is left out', () => {
  for (const tracestate of [`a=${'x'.repeat(600)}`, 'a=\u0000', ''])
    expect(traceOfHeaders(TRACEPARENT, tracestate)).toBe(TRACEPARENT);
});
