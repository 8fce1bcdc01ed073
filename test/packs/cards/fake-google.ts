import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';

type Answer = { status?: number; type?: string; body: string } | 'fall silent';

type Interference = (text: string) => Answer | undefined | Promise<Answer | undefined>;

export interface FakeGoogle extends AsyncDisposable {
  env: Record<string, string>;
  /** What it was asked to say, in order. */
  spoken: string[];
  /** What it does instead of speaking, also later. */
  interfere(how: Interference | undefined): void;
}

const KEY = 'the-key-of-google';

/** Google Cloud Text-to-Speech, as far as a client can tell: what it says is different for each text. */
export async function openFakeGoogle(): Promise<FakeGoogle> {
  const spoken: string[] = [];
  let interference: Interference | undefined;
  const answerTo = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { input, voice, audioConfig } = JSON.parse(Buffer.concat(chunks).toString()) as Synthesis;
    const isRight =
      request.url === '/v1/text:synthesize' &&
      request.headers['x-goog-api-key'] === KEY &&
      voice.name === 'en-US-Wavenet-D' &&
      voice.languageCode === 'en-US' &&
      audioConfig.audioEncoding === 'MP3';
    const said = JSON.stringify({ audioContent: mp3Of(input.text).toString('base64') });
    const answer = (await interference?.(input.text)) ?? { status: isRight ? 200 : 400, body: said };
    if (answer === 'fall silent') return;
    spoken.push(input.text);
    response.writeHead(answer.status ?? 200, { 'Content-Type': answer.type ?? 'application/json' });
    response.end(answer.body);
  };
  const server = createServer((request, response) => void answerTo(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    env: { GCP_TTS_API_KEY: KEY, GCP_TTS_URL: `http://127.0.0.1:${port}` },
    spoken,
    interfere: (how) => (interference = how),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

interface Synthesis {
  input: { text: string };
  voice: { name: string; languageCode: string };
  audioConfig: { audioEncoding: string };
}

/** The head of a frame, and then what no player would like. */
const mp3Of = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0xff, 0xfb, 0x90, 0x64]), createHash('sha256').update(text).digest()]);
