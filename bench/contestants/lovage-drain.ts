import pg from 'pg';
import { BENCH_CONFIG, spawnLovage } from '../measure/lovage-process.ts';
import { until } from '../measure/until.ts';
import { verifyHistory } from './verify-history.ts';

export const SLOTS = 100;
const QUEUE = 'diag';
const CHUNK = 1_000;
const TASK = {
  name: 'diag.noop',
  queue: QUEUE,
  tenant: 'default',
  maxAttempts: 3,
  resultTtlMs: 86_400_000,
  input: {},
  createdBy: 'bench',
};

/**
 * Drains a backlog with a real `lovage worker` process that is up and idle when the backlog is committed. Its time ends when
 * the last task's end, itself committed, has been announced.
 */
export async function drainByLovage(options: {
  url: string;
  warmUp: number;
  tasks: number;
}): Promise<number> {
  const { url, warmUp, tasks } = options;
  let ms = NaN;
  await drainInTurns(url, [warmUp, tasks], (turn) => {
    ms = turn.ms;
    return Promise.resolve();
  });
  return (tasks / ms) * 1000;
}

export interface Turn {
  ms: number;
  /** Of the worker. */
  pid: number;
}

/** Drains backlogs one after the other with one worker; in the end all of it is verified. */
export async function drainInTurns(
  url: string,
  backlogs: readonly number[],
  onDrained: (turn: Turn) => Promise<void>,
): Promise<void> {
  await using worker = spawnLovage(['worker', '--queues', QUEUE, '--concurrency', String(SLOTS)], {
    DATABASE_URL: url,
    LOVAGE_CONFIG: BENCH_CONFIG,
  });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('LISTEN lovage_final');
    const [started] = await until(
      'the worker',
      async () => {
        const { rows } = await client.query<{ pid: number }>(
          'SELECT pid FROM lovage.worker WHERE stopped_at IS NULL',
        );
        return rows.length > 0 && rows;
      },
      { withinMs: 30_000, everyMs: 50 },
    );
    for (const tasks of backlogs) {
      const ms = await worker.during(drain(client, tasks));
      await onDrained({ ms, pid: started?.pid ?? 0 });
    }
    await verifyHistory(
      client,
      backlogs.reduce((sum, tasks) => sum + tasks, 0),
    );
  } finally {
    await client.end();
  }
}

async function drain(client: pg.Client, tasks: number): Promise<number> {
  const drained = allFinal(client, tasks);
  await client.query('BEGIN');
  for (let left = tasks; left > 0; left -= CHUNK) {
    const some = JSON.stringify(Array.from({ length: Math.min(CHUNK, left) }, () => TASK));
    await client.query('SELECT count(*) FROM lovage.add_tasks($1)', [some]);
  }
  await client.query('ANALYZE');
  await client.query("SELECT pg_notify('lovage_ready', $1)", [QUEUE]);
  await client.query('COMMIT');
  const startedAt = performance.now();
  await drained;
  return performance.now() - startedAt;
}

/** Resolves when so many ends have been announced; a lost announcement is made up for by looking. */
async function allFinal(client: pg.Client, tasks: number): Promise<void> {
  const before = await countFinal(client);
  await new Promise<void>((resolve) => {
    let heard = 0;
    const finish = () => {
      clearInterval(timer);
      client.off('notification', hear);
      resolve();
    };
    const hear = ({ payload = '' }: pg.Notification) => {
      heard += payload.split(',').length;
      if (heard >= tasks) finish();
    };
    const timer = setInterval(() => {
      void countFinal(client).then((now) => now - before >= tasks && finish());
    }, 5_000);
    client.on('notification', hear);
  });
}

async function countFinal(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM lovage.task WHERE finished_at IS NOT NULL',
  );
  return rows[0]?.n ?? 0;
}
