import { flushTraces } from '../tracing/flush.ts';
import { execute } from './execute.ts';
import { leaveWhereUnread } from './lost-output.ts';

/** Exit codes: 0 done, 1 it failed, 2 the command line is wrong, 3 not there or not final, 4 the key is refused. */
export async function main(args: readonly string[]): Promise<void> {
  process.stdout.on('error', leaveWhereUnread);
  // Nobody is left to tell.
  process.stderr.on('error', () => undefined);
  process.exitCode = await execute(args);
  await flushTraces();
  // A file on a full disk says so only now.
  await new Promise((written) => process.stdout.write('', written));
  // What is still open belongs to nobody: a pool's idle socket must not keep a finished command alive.
  process.exit();
}
