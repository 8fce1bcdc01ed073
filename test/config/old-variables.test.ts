import { describe, expect, test } from 'vitest';
import { readSettings } from '../../src/settings/settings.ts';
import { defaultTimes } from '../../src/task-defaults.ts';

describe('names that Celery had are still read:', () => {
  test('the settings of a worker', () => {
    const env = { CELERY_WORKER_CONCURRENCY: '4', CELERY_WORKER_MAX_TASKS_PER_CHILD: '1000' };
    expect(readSettings(env)).toMatchObject({ concurrency: 4, maxTasksPerChild: 1000 });
    expect(readSettings({ CELERY_WORKER_CONCURRENCY: '' }).concurrency).toBeUndefined();
  });

  const celery = { CELERY_TASK_TIME_LIMIT: '1800', CELERY_TASK_SOFT_TIME_LIMIT: '1500' };
  const limits = (own: { softLimitMs?: number; hardLimitMs?: number }, env: NodeJS.ProcessEnv) => {
    const { softLimitMs, hardLimitMs } = defaultTimes(own, env);
    return [softLimitMs, hardLimitMs];
  };

  test.each([
    ['nothing is said', {}, {}, [240_000, 300_000]],
    ['both are', {}, celery, [1_500_000, 1_800_000]],
    ['only the hard one is', {}, { CELERY_TASK_TIME_LIMIT: '60' }, [60_000, 60_000]],
    ['only the soft one is', {}, { CELERY_TASK_SOFT_TIME_LIMIT: '600' }, [600_000, 750_000]],
    ['the definition has both', { softLimitMs: 10, hardLimitMs: 20 }, celery, [10, 20]],
    ['the definition has a soft one', { softLimitMs: 9_000 }, celery, [9_000, 1_800_000]],
    ['the definition has a longer soft one', { softLimitMs: 4_000_000 }, celery, [4_000_000, 5_000_000]],
    ['the definition has a hard one', { hardLimitMs: 9_000 }, celery, [9_000, 9_000]],
    ['they are faulty', {}, { CELERY_TASK_TIME_LIMIT: 'soon' }, [240_000, 300_000]],
    ['they are empty', {}, { CELERY_TASK_TIME_LIMIT: '' }, [240_000, 300_000]],
  ])('the limits of a definition, where %s', (_what, own, env, expected) => {
    expect(limits(own, env)).toEqual(expected);
  });

  test('how long results are kept, where 0 is as long as can be', () => {
    const ttl = (seconds?: string) => defaultTimes({}, { CELERY_RESULT_EXPIRES: seconds }).resultTtlMs;
    expect([ttl(), ttl('3600'), ttl('0')]).toEqual([undefined, 3_600_000, 3650 * 86_400_000]);
  });

  test.each([
    ['CELERY_WORKER_CONCURRENCY', '0'],
    ['CELERY_WORKER_MAX_TASKS_PER_CHILD', '1.5'],
    ['CELERY_TASK_TIME_LIMIT', 'soon'],
    ['CELERY_RESULT_EXPIRES', '-1'],
  ])('a faulty %s is told in a line', (name, value) => {
    expect(() => readSettings({ [name]: value })).toThrow(new RegExp(`^${name}: [^\\n]+$`));
  });

  test('a soft limit above the hard one is told in a line', () => {
    const env = { ...celery, CELERY_TASK_SOFT_TIME_LIMIT: '1801' };
    expect(() => readSettings(env)).toThrow(
      /^CELERY_TASK_SOFT_TIME_LIMIT: must not be above CELERY_TASK_TIME_LIMIT$/,
    );
  });
});
