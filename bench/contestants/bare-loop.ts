import { PgBoss } from 'pg-boss';

/**
 * The least that anything over pg-boss can do: fetch a batch, complete it, and nothing else. No handler, no history, no
 * result, no fence; a partition of its own without triggers.
 */
const [url = '', warmUp = '0', jobs = '0'] = process.argv.slice(2);
const QUEUE = 'bench-bare';
const BATCH = 100;
const CHUNK = 1_000;

const boss = new PgBoss({ connectionString: url, supervise: false, schedule: false });
boss.on('error', console.error);
await boss.start();
await boss.createQueue(QUEUE, { partition: true });

async function drain(count: number): Promise<number> {
  for (let left = count; left > 0; left -= CHUNK) {
    await boss.insert(
      QUEUE,
      Array.from({ length: Math.min(CHUNK, left) }, () => ({ data: {} })),
    );
  }
  await boss.getDb().executeSql('ANALYZE', []);
  const startedAt = performance.now();
  for (let done = 0; done < count;) {
    const batch = await boss.fetch(QUEUE, { batchSize: BATCH });
    if (batch.length === 0) throw new Error(`the queue was empty after ${done} of ${count} jobs`);
    await boss.complete(
      QUEUE,
      batch.map(({ id }) => id),
    );
    done += batch.length;
  }
  return performance.now() - startedAt;
}

await drain(Number(warmUp));
process.stdout.write(String((Number(jobs) / (await drain(Number(jobs)))) * 1000));
await boss.stop({ graceful: false });
process.exit();
