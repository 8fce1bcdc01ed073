import { expect, test } from 'vitest';
import type { Config, QueueOptions } from '../../src/config.ts';
import { SetupError } from '../../src/errors.ts';
import { shareSlots } from '../../src/worker/dispatch/slots.ts';

const configOf = (queues: Record<string, QueueOptions>) =>
  ({ queues: new Map(Object.entries(queues)) }) as unknown as Config;
const share = (queues: Record<string, QueueOptions>, slots: number, wanted?: string[]) =>
  Object.fromEntries(shareSlots(configOf(queues), wanted, slots));

test('the only queue may hold all slots', () => {
  expect(share({ a: {} }, 10)).toEqual({ a: 10 });
  expect(share({ a: {}, b: {} }, 10, ['b'])).toEqual({ b: 10 });
});

test('each queue leaves a slot to each of the others', () => {
  expect(share({ a: {}, b: {}, c: {} }, 10)).toEqual({ a: 8, b: 8, c: 8 });
});

test('however many queues there are, one may hold half of the slots', () => {
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`q${n}`, {}]));
  expect(share(many, 10)['q7']).toBe(5);
});

test('a single slot is still a slot for every queue', () => {
  expect(share({ a: {}, b: {} }, 1)).toEqual({ a: 1, b: 1 });
});

test('a declared concurrency is never exceeded', () => {
  expect(share({ a: { concurrency: 2 }, b: { concurrency: 50 } }, 10)).toEqual({ a: 2, b: 9 });
});

test('an undeclared queue is refused with the names of those that are', () => {
  expect(() => share({ a: {}, b: {} }, 10, ['c'])).toThrow(SetupError);
  expect(() => share({ a: {}, b: {} }, 10, ['c'])).toThrow('queue "c" is not declared; there are: a, b');
});
