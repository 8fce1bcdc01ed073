import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { readStatements } from './read-statements.ts';

/** Stands between a process and its Postgres, sees every statement, and can hold up every answer. */
export interface WireTap extends AsyncDisposable {
  /** The database's URL, through the tap. */
  url: string;
  /** Texts of the statements since the last `forget`. */
  statements(): readonly string[];
  forget(): void;
  /** From now on every answer of the server comes so much later. */
  delayAnswers(ms: number): void;
  connections(): number;
}

export async function tapWire(databaseUrl: string): Promise<WireTap> {
  const upstream = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let statements: string[] = [];
  let delayMs = 0;

  const server = createServer({ noDelay: true }, (client) => {
    const postgres = connect({ host: upstream.hostname, port: Number(upstream.port || 5432), noDelay: true });
    const read = readStatements((text) => statements.push(text));
    client.on('data', (chunk) => {
      read(chunk);
      postgres.write(chunk);
    });
    postgres.on('data', (chunk) => {
      if (delayMs === 0) client.write(chunk);
      else setTimeout(() => client.write(chunk), delayMs);
    });
    sockets.add(client);
    for (const [socket, other] of [
      [client, postgres],
      [postgres, client],
    ] as const) {
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.end();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  // What is encrypted cannot be counted.
  url.searchParams.delete('sslmode');
  return {
    url: url.href,
    statements: () => statements,
    forget: () => {
      statements = [];
    },
    delayAnswers: (ms) => {
      delayMs = ms;
    },
    connections: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
