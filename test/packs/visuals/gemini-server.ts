import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface GeminiCall {
  path: string;
  key: string | undefined;
  prompt: string;
  image: Buffer;
  mimeType: string;
}

interface Reply {
  status?: number;
  type?: string;
  body?: unknown;
}

export interface GeminiServer extends AsyncDisposable {
  url: string;
  calls: GeminiCall[];
  /** What it answers to a prompt with this name in it; a promise keeps the caller waiting. */
  replies: Map<string, Reply | Promise<Reply>>;
}

interface Sent {
  contents: { parts: [{ text: string }, { inlineData: { mimeType: string; data: string } }] }[];
}

/** Speaks Gemini's protocol as far as images go: each procedure is answered as the test says. */
export async function startGemini(): Promise<GeminiServer> {
  const calls: GeminiCall[] = [];
  const replies: GeminiServer['replies'] = new Map();
  const server = createServer((request, response) => {
    void (async () => {
      const text = Buffer.concat(await request.toArray()).toString();
      const [prompt, image] = (JSON.parse(text) as Sent).contents[0]?.parts ?? [];
      calls.push({
        path: request.url ?? '',
        key: request.headers['x-goog-api-key'] as string | undefined,
        prompt: prompt?.text ?? '',
        image: Buffer.from(image?.inlineData.data ?? '', 'base64'),
        mimeType: image?.inlineData.mimeType ?? '',
      });
      const name = [...replies.keys()].find((procedure) => prompt?.text.includes(`"${procedure}"`)) ?? '';
      const { status = 200, type = 'application/json', body = {} } = (await replies.get(name)) ?? {};
      response.writeHead(status, { 'content-type': type });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    })();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    replies,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

/** An answer with a picture in it. */
export const painted = (image: Buffer, mimeType = 'image/png'): Reply => ({
  body: {
    candidates: [
      {
        content: {
          parts: [{ text: 'Here it is' }, { inlineData: { mimeType, data: image.toString('base64') } }],
        },
        finishReason: 'STOP',
      },
    ],
  },
});
