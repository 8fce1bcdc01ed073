import { expect, test } from 'vitest';
import { echoesInProcess } from '../fixtures/faults.ts';
import { openLab } from '../lab.ts';
import { startWorkerProcess } from '../worker/processes.ts';

const LIMITS =
  'SELECT soft_limit_ms, hard_limit_ms, result_ttl_ms::int FROM lovage.definition WHERE name = ANY ($1) ORDER BY name';

test('a worker goes by what was set for Celery, and says what is ignored or was misspelt', async () => {
  await using lab = await openLab();
  const worker = await startWorkerProcess(lab, [], {
    CELERY_WORKER_CONCURRENCY: '7',
    CELERY_WORKER_MAX_TASKS_PER_CHILD: '1',
    CELERY_TASK_TIME_LIMIT: '1800',
    CELERY_TASK_SOFT_TIME_LIMIT: '1500',
    CELERY_RESULT_EXPIRES: '3600',
    CELERY_BROKER_URL: 'redis://:hunter2@broker:6379/0',
    CELERY_RESULT_BACKEND: '',
    REDIS_URL: 'redis://:hunter2@cache:6379',
    LOVAGE_SECERT: 'hunter2',
    LOVAGE_RUNS_PROT: 'hunter2',
    LOVAGE_SHOP_CURRENCY: 'EUR',
  });
  const lines = worker.output().split('\n');
  expect(lines.filter((line) => line.includes('Postgres is broker and store'))).toEqual([
    expect.stringContaining('CELERY_BROKER_URL is ignored'),
    expect.stringContaining('REDIS_URL is ignored'),
  ]);
  expect(lines.filter((line) => line.includes('is read by nobody'))).toEqual([
    expect.stringContaining('LOVAGE_SECERT is read by nobody: LOVAGE_SECRET was probably meant'),
    expect.stringContaining('LOVAGE_RUNS_PROT is read by nobody: LOVAGE_RUNS_PORT was probably meant'),
  ]);
  expect(worker.output()).not.toMatch(/hunter2|broker:6379|cache:6379/);
  expect(lines.find((line) => line.includes('worker started'))).toContain('"slots":7');
  expect(await lab.sql(LIMITS, [['diag.noop', 'runs.judged']])).toEqual([
    { soft_limit_ms: 1_500_000, hard_limit_ms: 1_800_000, result_ttl_ms: 3_600_000 },
    { soft_limit_ms: 500, hard_limit_ms: 1_800_000, result_ttl_ms: 3_600_000 },
  ]);

  const pidOf = async () => {
    const { id } = await lab.enqueue(echoesInProcess, {});
    return ((await lab.final(id)).result as { pid: number }).pid;
  };
  expect(await pidOf()).not.toBe(await pidOf());
});
