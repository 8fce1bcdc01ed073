import { vi } from 'vitest';
import { execute } from '../../src/cli/execute.ts';

export interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

/** A command line as `main` does it, without a process of its own: those cost half a second each. */
export async function say(...args: string[]): Promise<Said> {
  const lines: { log: string[]; error: string[] } = { log: [], error: [] };
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.log.push(line));
  const error = vi.spyOn(console, 'error').mockImplementation((line: string) => void lines.error.push(line));
  const bar = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    lines.error.push(String(chunk).trimEnd());
    return true;
  });
  try {
    const code = await execute(args);
    return { code, stdout: lines.log.join('\n'), stderr: lines.error.join('\n') };
  } finally {
    log.mockRestore();
    error.mockRestore();
    bar.mockRestore();
  }
}
