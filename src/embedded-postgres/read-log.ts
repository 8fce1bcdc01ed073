import { open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

const rotateAtBytes = 10_000_000;

export function logPath(dataDir: string): string {
  return join(dataDir, 'postgres.log');
}

/** Opens the log to append, after putting a long one aside; with the length that it has now. */
export async function openLog(dataDir: string) {
  const path = logPath(dataDir);
  const size = await stat(path).then(
    (stats) => stats.size,
    () => 0,
  );
  if (size > rotateAtBytes) await rename(path, `${path}.1`);
  const file = await open(path, 'a', 0o600);
  return { file, start: size > rotateAtBytes ? 0 : size };
}

/** The last lines that were written at or after a place in the log. */
export async function readLog(dataDir: string, start: number): Promise<string> {
  const file = await open(logPath(dataDir));
  try {
    const { size } = await file.stat();
    const from = Math.max(start, size - 4000);
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(Math.max(size - from, 1)),
      position: from,
    });
    return lastLines(buffer.subarray(0, bytesRead).toString());
  } finally {
    await file.close();
  }
}

export function lastLines(text: string): string {
  return text.trim().split('\n').slice(-6).join('\n');
}
