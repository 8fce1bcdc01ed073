import { connect } from 'node:net';

export interface RawAnswer {
  /** All that came until the server closed the connection. */
  text: string;
  ms: number;
}

/** Sends bytes that no HTTP client would send, and keeps its side open: it is for the server to end it. */
export async function sendRaw(port: number, ...parts: (string | Buffer)[]): Promise<RawAnswer> {
  const startedAt = performance.now();
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  for (const part of parts) socket.write(part);
  // A server that stops reading a flood may reset the connection; what it said before counts.
  await new Promise<void>((resolve) => {
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
  });
  return { text, ms: performance.now() - startedAt };
}

/** Writes without end, as fast as it is taken, until the server closes the connection. */
export async function flood(port: number, head: string, chunk: string): Promise<RawAnswer> {
  const startedAt = performance.now();
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (data: Buffer) => (text += data.toString('latin1')));
  const over = new Promise<void>((resolve) => {
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
  });
  const pump = () => {
    if (socket.destroyed) return;
    if (socket.write(chunk)) setImmediate(pump);
    else socket.once('drain', pump);
  };
  socket.write(head);
  pump();
  await over;
  return { text, ms: performance.now() - startedAt };
}
