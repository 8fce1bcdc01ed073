import { once } from 'node:events';
import net from 'node:net';
import pg from 'pg';

/** A pooler in transaction mode, at its worst: each transaction of a client goes to another backend than the one before. */
export async function openPooler(databaseUrl: string): Promise<AsyncDisposable & { url: string }> {
  const open = new Set<{ destroy(): void }>();
  const server = net.createServer((near) => {
    open.add(near);
    near.on('error', () => near.destroy());
    void serve(near, databaseUrl, open);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.port = String((server.address() as net.AddressInfo).port);
  return {
    url: url.href,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

async function serve(near: net.Socket, databaseUrl: string, open: Set<{ destroy(): void }>): Promise<void> {
  const startup = once(near, 'data');
  const backends = await Promise.all([openBackend(databaseUrl), openBackend(databaseUrl)]);
  near.on('close', () => backends.forEach((backend) => backend.destroy()));
  backends.forEach((backend) => {
    open.add(backend);
    backend.on('error', () => near.destroy()).on('close', () => near.destroy());
  });
  await startup;
  near.write(Buffer.concat([message('R', 0, 0, 0, 0), message('K', 0, 0, 0, 1, 0, 0, 0, 1), READY]));

  let turn = 0;
  let waiting = Buffer.alloc(0);
  let isBusy = false;
  const next = () => {
    const batch = isBusy ? undefined : firstBatch(waiting);
    if (!batch) return;
    isBusy = true;
    waiting = waiting.subarray(batch.length);
    backends[turn % 2]?.write(batch);
  };
  backends.forEach((backend, index) =>
    backend.on('data', (chunk: Buffer) => {
      // What comes between transactions is for whoever had the backend before.
      if (!isBusy || turn % 2 !== index) return;
      near.write(chunk);
      if (!chunk.subarray(-READY.length).equals(READY)) return;
      isBusy = false;
      turn += 1;
      next();
    }),
  );
  near.on('data', (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    next();
  });
}

/** The socket of a session that has logged in. */
async function openBackend(databaseUrl: string): Promise<net.Socket> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'pooler' });
  await client.connect();
  const { stream } = (client as unknown as { connection: { stream: net.Socket } }).connection;
  stream.removeAllListeners();
  return stream;
}

/** Up to the message that asks for an answer: a simple query, or the sync of an extended one. */
function firstBatch(bytes: Buffer): Buffer | undefined {
  for (let at = 0; at + 5 <= bytes.length;) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    if (end > bytes.length) return undefined;
    if ('QS'.includes(String.fromCharCode(bytes[at] ?? 0))) return bytes.subarray(0, end);
    at = end;
  }
  return undefined;
}

function message(type: string, ...body: number[]): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + body.length);
  return Buffer.concat([Buffer.from(type), length, Buffer.from(body)]);
}

const READY = message('Z', 'I'.charCodeAt(0));
