import { flushTraces } from '../tracing/flush.ts';
import { execute } from './execute.ts';

/** Exit codes: 0 done, 1 it failed, 2 the command line is wrong, 3 not there or not final, 4 the key is refused. */
export async function main(args: readonly string[]): Promise<void> {
  // Whoever reads a part of it, such as `| head`, has what he wanted.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    console.error(`lovage: what was to be printed cannot be written: ${error.message}`);
    process.exit(1);
  });
  // Nobody is left to tell.
  process.stderr.on('error', () => undefined);
  process.exitCode = await execute(args);
  await flushTraces();
  // A file on a full disk says so only now.
  await new Promise((written) => process.stdout.write('', written));
  // What is still open belongs to nobody: a pool's idle socket must not keep a finished command alive.
  process.exit();
}
