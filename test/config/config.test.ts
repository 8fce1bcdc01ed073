import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../../src/config.ts';
import { SetupError } from '../../src/errors.ts';
import { loadConfig } from '../../src/load-config.ts';
import { definePack } from '../../src/pack.ts';
import { defineTask, type AnyTask } from '../../src/task.ts';

const task = (options: Partial<Parameters<typeof defineTask>[0]> = {}): AnyTask =>
  defineTask({ name: 'mail.welcome', input: z.null(), output: z.null(), run: () => null, ...options });
const configOf = (tasks: AnyTask[], queues = {}) =>
  defineConfig({ packs: [definePack({ name: 'mail', tasks })], queues });

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof SetupError) return error.message;
    throw error;
  }
  throw new Error('it was not refused');
}

test('a definition says little and gets the rest', () => {
  expect(task()).toMatchObject({
    name: 'mail.welcome',
    queue: 'mail',
    attempts: 3,
    backoff: {},
    priority: 0,
    isolation: 'inline',
  });
  expect(task({ queue: 'slow' }).queue).toBe('slow');
});

test('a queue that a definition names need not be listed', () => {
  const config = configOf([task(), task({ name: 'mail.goodbye', queue: 'slow' })], {
    spare: { concurrency: 2 },
  });
  expect([...config.queues]).toEqual([
    ['spare', { concurrency: 2 }],
    ['mail', {}],
    ['slow', {}],
  ]);
  expect([...config.tasks.keys()]).toEqual(['mail.welcome', 'mail.goodbye']);
});

describe('one line names the fault:', () => {
  test('a definition registered twice', () => {
    expect(refusal(() => configOf([task(), task()]))).toBe(
      'task definition "mail.welcome" is registered twice (again by pack "mail")',
    );
  });

  test.each([
    ['a name with a blank', { name: 'mail welcome' }, 'name'],
    ['a name without letters', { name: '1.2' }, 'name'],
    ['a name that is too long', { name: `mail.${'x'.repeat(100)}` }, 'name'],
    ['a queue with a slash', { queue: 'a/b' }, 'queue'],
    ['no attempts', { attempts: 0 }, 'attempts'],
    ['half an attempt', { attempts: 1.5 }, 'attempts'],
    ['no time to live', { resultTtlMs: 0 }, 'resultTtlMs'],
    ['a priority out of range', { priority: 5_000 }, 'priority'],
    ['an unknown isolation', { isolation: 'thread' as 'inline' }, 'isolation'],
    ['delays that are none', { backoff: { delaysMs: [] } }, 'backoff'],
    ['a jitter above one', { backoff: { jitter: 2 } }, 'backoff'],
  ])('%s', (_what, options, field) => {
    const message = refusal(() => task(options));
    expect(message).toContain(`task definition "${'name' in options ? options.name : 'mail.welcome'}": `);
    expect(message).toContain(field);
    expect(message).not.toContain('\n');
  });

  test.each([
    ['0', { concurrency: 0 }, 'concurrency must be a whole number above 0, got 0'],
    ['1.5', { concurrency: 1.5 }, 'concurrency must be a whole number above 0, got 1.5'],
    ['NaN', { concurrency: NaN }, 'concurrency must be a whole number above 0, got NaN'],
    ['-1', { clusterConcurrency: -1 }, 'clusterConcurrency must be a whole number above 0, got -1'],
    ['0.5', { perKey: 0.5 }, 'perKey must be a whole number above 0, got 0.5'],
    ['none', { rate: { periodMs: 1_000 } }, 'rate.limit must be a whole number above 0, got undefined'],
    ['0', { rate: { limit: 1, periodMs: 0 } }, 'rate.periodMs must be a whole number above 0, got 0'],
    [
      '2 ** 31',
      { clusterConcurrency: 2 ** 31 },
      'clusterConcurrency must be at most 2147483647, got 2147483648',
    ],
  ])('a limit of %s', (_what, options, says) => {
    expect(refusal(() => configOf([], { mail: options }))).toBe(`queue "mail": ${says}`);
  });

  test.each(['a/b', 'A', 'with blank', '', 'x'.repeat(61), '__proto__x;'])('a queue named %j', (name) => {
    expect(refusal(() => configOf([], { [name]: {} }))).toContain(`queue "${name}"`);
  });

  test('more queues than Postgres serves well', () => {
    const many = Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`q${n}`, {}]));
    expect(refusal(() => configOf([], many))).toBe(
      '201 queues are declared; Postgres serves at most 200 well',
    );
  });
});

test('a configuration that is not there is refused by its path', async () => {
  await expect(loadConfig('/no/such/lovage.config.ts')).rejects.toThrow(
    /^no configuration at \/no\/such\/lovage.config.ts: /,
  );
});
