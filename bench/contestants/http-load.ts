import net from 'node:net';
import { percentile } from '../measure/statistics.ts';

/**
 * Sends one enqueue after the other over kept-alive connections, as fast as they are answered, or at a rate: then a request's
 * time begins when it was due, also where it had to wait for a connection. Prints a line of JSON.
 */
const [url = '', key = '', connections = '', seconds = '', perSecond = ''] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const body = '{}';
const REQUEST = Buffer.from(
  `POST /v1/tasks/clock.stamp HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${key}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
);
const rate = Number(perSecond);

const due: number[] = [];
const idle: Connection[] = [];
const ms: number[] = [];
let answers = 0;
let isOver = false;

class Connection {
  readonly #socket: net.Socket;
  #text = '';
  #since = 0;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('data', (chunk: string) => this.#read(chunk));
    socket.on('close', () => isOver || fail('a connection was closed'));
  }

  ask(since: number): void {
    this.#since = since;
    this.#socket.write(REQUEST);
  }

  end(): void {
    this.#socket.destroy();
  }

  #read(chunk: string): void {
    this.#text += chunk;
    const head = this.#text.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(this.#text.slice(0, head))?.[1];
    if (length === undefined) return fail(`an answer has no length: ${this.#text.slice(0, head)}`);
    if (this.#text.length < head + 4 + Number(length)) return;
    if (!this.#text.startsWith('HTTP/1.1 202')) return fail(this.#text.slice(0, 500));
    this.#text = '';
    answers += 1;
    ms.push(performance.now() - this.#since);
    proceed(this);
  }
}

function proceed(connection: Connection): void {
  if (isOver) return;
  if (rate === 0) return connection.ask(performance.now());
  const since = due.shift();
  if (since === undefined) idle.push(connection);
  else connection.ask(since);
}

function fail(why: string): void {
  console.error(why);
  process.exit(1);
}

/** Puts down what has come due since it last looked, each at its own time. */
function keepRate(startedAt: number): void {
  let made = 0;
  setInterval(() => {
    const wanted = ((performance.now() - startedAt) / 1000) * rate;
    for (; made < wanted; made += 1) {
      const since = startedAt + (made / rate) * 1000;
      const connection = idle.pop();
      if (connection) connection.ask(since);
      else due.push(since);
    }
  }, 1);
}

const open = await Promise.all(
  Array.from(
    { length: Number(connections) },
    () =>
      new Promise<Connection>((resolve) => {
        const socket = net.connect(Number(port), hostname, () => resolve(new Connection(socket)));
        socket.on('error', (error) => isOver || fail(error.message));
      }),
  ),
);
const startedAt = performance.now();
for (const connection of open) proceed(connection);
if (rate > 0) keepRate(startedAt);
setTimeout(
  () => {
    isOver = true;
    const took = (performance.now() - startedAt) / 1000;
    console.log(
      JSON.stringify({ rate: answers / took, p50: percentile(ms, 0.5), p99: percentile(ms, 0.99) }),
    );
    for (const connection of open) connection.end();
    process.exit(0);
  },
  Number(seconds) * 1000,
);
