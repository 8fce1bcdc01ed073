import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sendTasks, type NewTask } from '../../src/queue/send.ts';
import { until, type Lab, type LabProcess } from '../lab.ts';

/** Each process loads the same few hundred files: compiled once, they cost half. */
export const NODE_COMPILE_CACHE = join(tmpdir(), 'lovage-test-compile-cache');

export interface WorkerProcess extends LabProcess {
  /** Its boot id: what lovage.worker and the history call it. */
  id: string;
}

/** A real `lovage worker`, once it claims. */
export async function startWorkerProcess(
  lab: Lab,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<WorkerProcess> {
  const started = await lab.spawn(['worker', ...args], { NODE_COMPILE_CACHE, ...env });
  const isUp = (text: string) => text.includes('worker started') || started.child.exitCode !== null;
  await until(() => started.output(), isUp, 40_000);
  const id = /"worker":"([0-9a-f-]{36})"/.exec(started.output())?.[1];
  if (id === undefined) throw new Error(`the worker did not start:\n${started.output()}`);
  return { ...started, id };
}

/** kill -9, and gone. */
export async function kill({ child, exited }: LabProcess): Promise<void> {
  child.kill('SIGKILL');
  await exited;
}

/** Accepts tasks without validation or notification, also under names and queues that no verb would allow. */
export async function send(
  lab: Lab,
  name: string,
  tasks: readonly (Partial<NewTask> & { id?: string })[],
): Promise<string[]> {
  const [queue = name] = name.split('.');
  const rows = await sendTasks(
    lab.lovage.pool,
    tasks.map((task) => ({
      tenant: 'default',
      name,
      queue,
      priority: 0,
      maxAttempts: 3,
      resultTtlMs: 86_400_000,
      input: {},
      tags: [],
      createdBy: 'test',
      ...task,
    })),
  );
  return rows.map(({ id }) => id);
}

export const sleeps = (count: number, ms: number, more: Partial<NewTask> = {}) =>
  Array.from({ length: count }, () => ({ input: { ms }, ...more }));

export async function countIn(lab: Lab, state: string, queue?: string): Promise<number> {
  const rows = await lab.sql<{ n: number }>(
    `SELECT count(*)::int AS n FROM lovage.task WHERE state::text = $1 AND ($2::text IS NULL OR queue = $2)`,
    [state, queue ?? null],
  );
  return rows[0]?.n ?? 0;
}

export const whenRunning = (lab: Lab, id: string) =>
  until(
    () => lab.get(id),
    (task) => task.state === 'running',
  );

/** Milliseconds from when an event's task could start until it did, by the database's clock. */
export async function startDelays(lab: Lab, ids: readonly string[]): Promise<number[]> {
  const rows = await lab.sql<{ ms: number }>(
    `SELECT (extract(epoch FROM e.at - greatest(t.due_at, t.created_at)) * 1000)::float8 AS ms
     FROM lovage.task t JOIN lovage.task_event e ON e.task_id = t.id AND e.type = 'started'
     WHERE t.id = ANY ($1) ORDER BY t.id`,
    [ids],
  );
  return rows.map(({ ms }) => ms);
}

/** As if so much time had passed since the worker last said that it lives. */
export const ageHeartbeat = (lab: Lab, workerId: string) =>
  lab.sql("UPDATE lovage.worker SET heartbeat_at = now() - interval '1 minute' WHERE id = $1", [workerId]);

export interface Wire extends AsyncDisposable {
  url: string;
  /** How often a text was sent to the server. */
  sent(text: string): number;
  /**
   * Lets the server do what a statement asks and drops its answer with the connection; `answer` is what the
   * dropped part of the conversation holds.
   */
  cutAnswer(statement: string, answer: string): Promise<void>;
}

/** A network between a worker and Postgres that fails at the worst moment. */
export async function openWire(databaseUrl: string): Promise<Wire> {
  const target = new URL(databaseUrl);
  const [port, host] = [Number(target.port), target.hostname];
  const traffic: string[] = [];
  let order: { statement: string; answer: string; done: () => void } | undefined;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((near) => {
    const far = net.connect(port, host);
    const end = () => {
      near.destroy();
      far.destroy();
    };
    let doom: typeof order;
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
    near.on('data', (chunk) => {
      traffic.push(chunk.toString('latin1'));
      if (order && chunk.includes(order.statement)) [doom, order] = [order, undefined];
      far.write(chunk);
    });
    far.on('data', (chunk) => {
      if (!doom || !chunk.includes(doom.answer)) return void near.write(chunk);
      doom.done();
      end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  target.port = String((server.address() as net.AddressInfo).port);
  return {
    url: target.href,
    sent: (text) => traffic.filter((chunk) => chunk.includes(text)).length,
    cutAnswer: (statement, answer) =>
      new Promise((done) => {
        order = { statement, answer, done };
      }),
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
