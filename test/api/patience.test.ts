import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Patience } from '../../src/api/patience.ts';

const never = new Promise<never>(() => undefined);

test('work that is done in time is passed on, and so is its failure', async () => {
  const patience = new Patience(10_000);
  expect(await patience.spend(Promise.resolve(1))).toBe(1);
  await expect(patience.spend(Promise.reject(new Error('mine')))).rejects.toThrow('mine');
});

test('what one step used up is missing to the next: together they take no longer than promised', async () => {
  const patience = new Patience(80);
  await expect(patience.spend(never)).rejects.toMatchObject({ code: 'queue-unavailable', retryAfter: 2 });
  // Timers fire in their order, on a busy machine too: nothing is left for the second to wait.
  const soon = wait(60, 'it waited again');
  await expect(Promise.race([patience.spend(never), soon])).rejects.toMatchObject({
    code: 'queue-unavailable',
  });
});
