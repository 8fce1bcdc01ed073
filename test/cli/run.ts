import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { configFile } from '../lab.ts';
import { NODE_COMPILE_CACHE } from '../worker/processes.ts';

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the command line to its end, as a user would. */
export async function run(
  args: readonly string[],
  env: Record<string, string> = {},
  stdin = '',
): Promise<Finished> {
  const bin = new URL('../../bin/lovage.js', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--conditions=lovage-source', bin, ...args], {
    env: {
      ...process.env,
      NODE_COMPILE_CACHE,
      LOVAGE_CONFIG: configFile,
      LOVAGE_DIAG: '1',
      LOVAGE_LOG_LEVEL: 'info',
      ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on('error', () => undefined).end(stdin);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** What a person is told when something is wrong: one line, no stack. */
export const oneLine = (pattern: RegExp) => new RegExp(`^lovage: ${pattern.source}[^\\n]*\\n$`);
