import { PgBoss } from 'pg-boss';

/** pg-boss as it is by default, with a worker on each of ten queues that stay empty. Runs until it is told to end. */
const [url = ''] = process.argv.slice(2);
const boss = new PgBoss(url);
boss.on('error', console.error);
await boss.start();
for (let n = 0; n < 10; n += 1) {
  await boss.createQueue(`bench-idle-${n}`);
  await boss.work(`bench-idle-${n}`, async () => undefined);
}
process.on('SIGTERM', () => process.exit());
process.stdout.write('ready');
