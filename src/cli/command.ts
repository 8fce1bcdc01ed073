/** One command of `lovage`. */
export interface Command {
  name: string;
  /** One line for the list of commands. */
  summary: string;
  usage: string;
  options?: readonly [flag: string, meaning: string][];
  examples?: readonly string[];
  /** Resolves with the exit code. */
  run(args: readonly string[]): Promise<number>;
}

/** The command line is wrong: the message says how, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
