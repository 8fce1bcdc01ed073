import net from 'node:net';
import { describe, expect, test } from 'vitest';
import { openLab, until } from '../lab.ts';
import { countIn, send, sleeps, startWorkerProcess } from '../worker/processes.ts';

/**
 * A failover whose old server says nothing more: the worker's sockets stayed open and delivered nothing, and without a
 * clock on its statements it waited for their answers for ever.
 */
interface Path extends AsyncDisposable {
  url: string;
  /** The server of every connection is gone, and the client is not told. New ones reach it. */
  goSilent(): void;
  /** The same from the moment that a client says this, before it is heard; and new ones reach nobody. */
  goSilentAt(statement: string): Promise<void>;
  /** Connections whose client speaks to a server that is gone. */
  silent(): number;
}

async function openPath(databaseUrl: string): Promise<Path> {
  const target = new URL(databaseUrl);
  const [port, host] = [Number(target.port), target.hostname];
  const pairs = new Map<net.Socket, net.Socket>();
  const deaf = new Set<net.Socket>();
  let isDark = false;
  let order: { statement: string; done: () => void } | undefined;
  const ignore = () => undefined;

  function drop(near: net.Socket): void {
    deaf.add(near);
    const far = pairs.get(near);
    pairs.delete(near);
    // Nothing of the end of the server's side reaches the client.
    far?.removeAllListeners('close').destroy();
  }
  function goSilent(): void {
    for (const near of pairs.keys()) drop(near);
  }
  const server = net.createServer((near) => {
    near.on('error', ignore).on('close', () => {
      pairs.get(near)?.destroy();
      pairs.delete(near);
      deaf.delete(near);
    });
    near.on('data', (chunk) => {
      if (order && chunk.includes(order.statement)) {
        isDark = true;
        goSilent();
        order.done();
        order = undefined;
      }
      pairs.get(near)?.write(chunk);
    });
    if (isDark) return void deaf.add(near);
    const far = net.connect(port, host);
    pairs.set(near, far);
    far.on('error', ignore).on('close', () => near.destroy());
    far.on('data', (chunk) => {
      if (!deaf.has(near)) near.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  target.port = String((server.address() as net.AddressInfo).port);
  return {
    url: target.href,
    goSilent,
    goSilentAt: (statement) =>
      new Promise((done) => {
        order = { statement, done };
      }),
    silent: () => deaf.size,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of [...pairs.keys(), ...pairs.values(), ...deaf]) socket.destroy();
    },
  };
}

/** Ten slots: what has been claimed before may still be written over a connection that is new. */
const ALREADY_TAKEN = 30;
const QUERY_TIMEOUT_MS = 1_500;
const DRAIN_MS = 500;
const ENDS_WITHIN_MS = DRAIN_MS + 10_000;

describe.concurrent('a worker whose connections fall silent', () => {
  test('goes on within its query time-out, and every task succeeds once', async () => {
    await using lab = await openLab();
    await using path = await openPath(lab.url);
    const worker = await startWorkerProcess(lab, ['--queues', 'diag'], {
      DATABASE_URL: path.url,
      LOVAGE_QUERY_TIMEOUT_MS: String(QUERY_TIMEOUT_MS),
    });
    const ids = await send(lab, 'diag.sleep', sleeps(300, 20));
    await until(
      () => countIn(lab, 'succeeded'),
      (n) => n >= 50,
    );
    path.goSilent();
    expect(path.silent()).toBeGreaterThan(2);
    const before = await countIn(lab, 'succeeded');
    expect(before + ALREADY_TAKEN).toBeLessThan(ids.length);
    await until(
      () => countIn(lab, 'succeeded'),
      (n) => n > before + ALREADY_TAKEN,
      // The clock of the statement, a pause before the next try, and that try, on a busy machine. Unasked it would be 30 s.
      QUERY_TIMEOUT_MS + 8_000,
    );
    await until(
      () => countIn(lab, 'succeeded'),
      (n) => n === ids.length,
      10_000,
    );
    expect(worker.child.exitCode).toBeNull();
    expect(
      await lab.sql(
        `SELECT task_id FROM lovage.task_event GROUP BY task_id
         HAVING count(*) FILTER (WHERE type = 'succeeded') <> 1
             OR count(*) FILTER (WHERE type = 'started') - count(*) FILTER (WHERE type = 'handed_back') <> 1`,
      ),
    ).toEqual([]);
    expect(await lab.sql('SELECT DISTINCT failures, crashes FROM lovage.task')).toEqual([
      { failures: 0, crashes: 0 },
    ]);
    expect(await lab.violations()).toEqual([]);
    worker.child.kill('SIGTERM');
    expect(await worker.exited).toBe(0);
  });

  test('ends at SIGTERM while nothing answers, whatever its query time-out', async () => {
    await using lab = await openLab();
    await using path = await openPath(lab.url);
    const worker = await startWorkerProcess(lab, ['--queues', 'diag'], {
      DATABASE_URL: path.url,
      LOVAGE_DRAIN_MS: String(DRAIN_MS),
    });
    await send(lab, 'diag.sleep', sleeps(300, 20));
    await until(
      () => countIn(lab, 'succeeded'),
      (n) => n >= 50,
    );
    // It waits for the answer to a claim, as it does most of the time under load.
    await path.goSilentAt('lovage.claimed');
    expect(path.silent()).toBeGreaterThan(2);
    worker.child.kill('SIGTERM');
    await until(
      () => worker.child.exitCode ?? worker.child.signalCode,
      (end) => end !== null,
      ENDS_WITHIN_MS,
    );
    expect(await worker.exited).toBe(0);
    // What it could not hand back is left to the others, as from a worker that died.
    expect(await lab.sql('SELECT stopped_at FROM lovage.worker')).toEqual([{ stopped_at: null }]);
    expect(await lab.violations()).toEqual([]);
  });
});
