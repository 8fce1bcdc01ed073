import { PgBoss } from 'pg-boss';

/**
 * pg-boss's own work(), one job at a time in each of 20 workers. Its polling is the shortest it takes (0.5 s), its pool has
 * a connection for each worker, and its time ends as the last handler begins: each in its favour.
 */
const [url = '', warmUp = '0', jobs = '0'] = process.argv.slice(2);
const QUEUE = 'bench-work';
const WORKERS = 20;

const boss = new PgBoss({ connectionString: url, supervise: false, schedule: false, max: WORKERS });
boss.on('error', console.error);
await boss.start();
await boss.createQueue(QUEUE, { partition: true });

async function drain(count: number): Promise<number> {
  await boss.insert(
    QUEUE,
    Array.from({ length: count }, () => ({ data: {} })),
  );
  await boss.getDb().executeSql('ANALYZE', []);
  const startedAt = performance.now();
  await new Promise<void>((resolve) => {
    let handled = 0;
    const handle = async () => {
      handled += 1;
      if (handled === count) resolve();
    };
    void boss.work(QUEUE, { batchSize: 1, localConcurrency: WORKERS, pollingIntervalSeconds: 0.5 }, handle);
  });
  const ms = performance.now() - startedAt;
  await boss.offWork(QUEUE, { wait: true });
  return ms;
}

await drain(Number(warmUp));
process.stdout.write(String((Number(jobs) / (await drain(Number(jobs)))) * 1000));
await boss.stop({ graceful: false });
process.exit();
