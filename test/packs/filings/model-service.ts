import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an answer is made of; without a status 200, without a type JSON. */
export interface Reply {
  status?: number;
  type?: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** Never answers. */
  isSilent?: boolean;
}

export interface Asked {
  path: string;
  authorization: string | undefined;
  body: { model: string; input?: string[]; messages?: { role: string; content: string }[] };
}

export type Answer = (asked: Asked) => Reply;

/** An HTTP server that speaks OpenAI's protocol as well, or as badly, as `answer` wants. */
export class ModelService implements AsyncDisposable {
  readonly asked: Asked[] = [];
  answer: Answer = answerWell;
  url = '';
  readonly #server = createServer((request, response) => void this.#reply(request, response));

  static async open(): Promise<ModelService> {
    const service = new ModelService();
    service.#server.listen(0, '127.0.0.1');
    await once(service.#server, 'listening');
    service.url = `http://127.0.0.1:${(service.#server.address() as AddressInfo).port}/v1`;
    return service;
  }

  reset(): void {
    this.asked.length = 0;
    this.answer = answerWell;
  }

  async #reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { authorization } = request.headers;
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Asked['body'];
    const asked = { path: request.url ?? '', authorization, body };
    this.asked.push(asked);
    const { status = 200, type = 'application/json', body: sent, headers, isSilent } = this.answer(asked);
    if (isSilent) return;
    response.writeHead(status, { 'content-type': type, ...headers });
    response.end(typeof sent === 'string' ? sent : JSON.stringify(sent));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

export const answerWell: Answer = ({ path, body }) =>
  path === '/v1/embeddings'
    ? { body: { data: (body.input ?? []).map((text, index) => ({ index, embedding: embed(text) })) } }
    : { body: complete({ labels: passagesOf(body).map(({ id }) => labelAs(id)) }) };

export const complete = (content: unknown): unknown => ({
  choices: [{ message: { content: typeof content === 'string' ? content : JSON.stringify(content) } }],
});

export const labelAs = (id: string, category = 'competitive') => ({ id, category, confidence: 0.9 });

export function passagesOf({ messages }: Asked['body']): { id: string; text: string }[] {
  const sent = JSON.parse(messages?.at(-1)?.content ?? '{}') as { passages?: { id: string; text: string }[] };
  return sent.passages ?? [];
}

const DIMENSIONS = 64;

/** Words counted into a few places: like texts get like vectors. */
function embed(text: string): number[] {
  const vector = Array.from({ length: DIMENSIONS }, () => 0.01);
  for (const word of text.toLowerCase().match(/[a-z]+/g) ?? []) {
    let hash = 7;
    for (const letter of word) hash = (hash * 31 + letter.charCodeAt(0)) % 9973;
    vector[hash % DIMENSIONS] = (vector[hash % DIMENSIONS] ?? 0) + 1;
  }
  return vector;
}
