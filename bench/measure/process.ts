import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const STOP_MS = 20_000;

const running = new Set<ChildProcess>();
// None outlives the bench, however that ends.
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A process of its own, so that its work is not ours. */
export interface MeasuredProcess extends AsyncDisposable {
  pid: number;
  /** Resolves with what it printed. @throws Error when it ended with another code than 0. */
  finished: Promise<string>;
  /** Resolves when it has printed something. */
  spoken: Promise<void>;
  /** What `work` resolves with. @throws Error when the process ends before that. */
  during<Result>(work: Promise<Result>): Promise<Result>;
  /** In order, as an operator does; resolves when the process is gone. */
  stop(): Promise<void>;
}

/** Starts Node. The process inherits none of the settings that the bench itself was given. */
export function startProcess(args: readonly string[], env: Record<string, string> = {}): MeasuredProcess {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...withoutSettings(process.env), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const name = args.map((arg) => basename(arg)).join(' ');
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const exited = once(child, 'close').finally(() => running.delete(child));
  const finished = exited.then(([code]) => {
    if (code === 0) return output;
    throw new Error(`${name} ended with code ${code}: ${(output + errors).slice(-2_000)}`);
  });
  finished.catch(() => undefined);
  const tooEarly = finished.then((): never => {
    throw new Error(`${name} ended too early: ${(output + errors).slice(-2_000)}`);
  });
  tooEarly.catch(() => undefined);
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(force);
  };
  return {
    pid: child.pid ?? 0,
    finished,
    spoken: once(child.stdout, 'data').then(() => undefined),
    during: (work) => Promise.race([work, tooEarly]),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isSetting = (name: string) =>
    name.startsWith('LOVAGE_') || ['DATABASE_URL', 'HOST', 'PORT'].includes(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isSetting(name)));
}
