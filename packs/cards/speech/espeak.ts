import { Discard } from 'lovage';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Voice } from './voice.ts';

const MAX_SHOWN = 300;

/** espeak-ng, where it is installed. */
export const espeak: Voice = async (text, signal) => {
  const folder = await mkdtemp(join(tmpdir(), 'lovage-cards-'));
  const file = join(folder, 'speech.wav');
  try {
    const ended = await speakTo(file, text, signal);
    if (ended === 'not installed') return null;
    const bytes = await readFile(file).catch(() => Buffer.alloc(0));
    if (ended.code !== 0 || !isWav(bytes)) {
      const said = ended.said.trim().slice(0, MAX_SHOWN);
      throw new Discard(`espeak-ng ended with ${ended.code} and no recording: ${said}`, { code: 'TtsError' });
    }
    return { bytes, mime: 'audio/wav', extension: 'wav' };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** The text goes by stdin, where a dash at its beginning is no option. */
async function speakTo(
  file: string,
  text: string,
  signal: AbortSignal,
): Promise<'not installed' | { code: number | null; said: string }> {
  const child = spawn('espeak-ng', ['-v', 'en-us', '-b', '1', '-w', file, '--stdin'], {
    signal,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.end(text);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, said };
  } catch (error) {
    signal.throwIfAborted();
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'not installed';
    throw error;
  }
}

const isWav = (bytes: Buffer): boolean =>
  bytes.length > 44 &&
  bytes.toString('latin1', 0, 4) === 'RIFF' &&
  bytes.toString('latin1', 8, 12) === 'WAVE';
