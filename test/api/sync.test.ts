import { expect, test } from 'vitest';
import { createSyncSwitch } from '../../src/api/dialects/sync.ts';

const isSync = createSyncSwitch({ parameter: 'async_mode', value: 'false' });

test.each(['false', 'False', '0', 'no', 'off'])('async_mode=%s waits', (word) => {
  expect(isSync({ async_mode: word })).toBe(true);
});

test.each(['true', 'True', '1', 'yes', 'on'])('async_mode=%s does not wait', (word) => {
  expect(isSync({ async_mode: word })).toBe(false);
});

test.each(['maybe', '', 'constructor'])('async_mode=%s is a fault of the parameter', (word) => {
  expect(() => isSync({ async_mode: word })).toThrow(
    expect.objectContaining({
      code: 'validation',
      faults: [{ pointer: 'async_mode', detail: 'must be true or false' }],
    }),
  );
});

test('without the parameter the default decides', () => {
  expect(isSync({})).toBe(false);
  expect(createSyncSwitch({ parameter: 'async', value: 'false', byDefault: true })({})).toBe(true);
});
