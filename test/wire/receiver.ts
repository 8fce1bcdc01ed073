import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { until } from '../lab.ts';

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  /** As it came over the wire. */
  text: string;
  body: { type: string; timestamp: string; data: Record<string, unknown> };
}

/** Somebody else's server, which writes down what it is sent. */
export interface Receiver extends AsyncDisposable {
  url: string;
  port: number;
  received: Received[];
  /** What it answers on a path; anything else is 204. */
  answers: Map<string, (response: ServerResponse) => void>;
  on(path: string): Received[];
  /** What came to a path, once it is so many. */
  whenReceived(path: string, count?: number): Promise<Received[]>;
}

export async function openReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const answers: Receiver['answers'] = new Map();
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const path = request.url ?? '';
      received.push({ path, headers: request.headers, text, body: JSON.parse(text) as Received['body'] });
      const answer = answers.get(path);
      if (answer) answer(response);
      else response.writeHead(204).end();
    });
  };
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const on = (path: string) => received.filter((one) => one.path === path);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    received,
    answers,
    on,
    whenReceived: (path, count = 1) =>
      until(
        () => on(path),
        (all) => all.length >= count,
      ),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await Promise.resolve();
    },
  };
}

/** @throws where the package of Standard Webhooks does not accept the message. */
export const verify = (message: Received | undefined, secret: string): unknown =>
  new Webhook(secret).verify(message?.text ?? '', message?.headers as Record<string, string>);
